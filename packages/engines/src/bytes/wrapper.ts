/** What the bytes of an artefact are wrapped in. */
export type Wrapper = 'none' | 'gzip' | 'zstd';

/** e.g. `custom`, `plain+zstd`. */
export const formatOf = (container: string, wrapper: Wrapper): string =>
  wrapper === 'none' ? container : `${container}+${wrapper}`;
