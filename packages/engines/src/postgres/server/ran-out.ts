/** SQLSTATEs that say what a scratch ran out of. */
export const RAN_OUT: Readonly<Record<string, 'scratch_disk_full' | 'scratch_out_of_memory'>> = {
  '53100': 'scratch_disk_full',
  '53200': 'scratch_out_of_memory',
};
