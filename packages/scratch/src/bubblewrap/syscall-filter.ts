/**
 * A seccomp filter (https://docs.kernel.org/userspace-api/seccomp_filter.html) for what runs in a cell: it refuses, with
 * EPERM, what no server needs and what has opened kernels before, as Docker's default profile does. Most of it takes a
 * capability that nothing in a cell has; the filter keeps the code behind it out of reach.
 */
export function syscallFilter(arch: string): Buffer | undefined {
  const target = TARGETS[arch];
  if (target === undefined) return undefined;
  const tests: Instruction[] = [
    // x32 numbers the same calls once more, from here on.
    ...(arch === 'x64' ? [[JUMP_IF_AT_LEAST, 0x4000_0000] as const] : []),
    ...[...target.numbers, ...SAME_EVERYWHERE].map((number) => [JUMP_IF_EQUAL, number] as const),
  ];
  const program = [
    instruction(LOAD, 0, 0, ARCH_OFFSET),
    // A call by another architecture's numbers (32 bit) is refused, whatever it is.
    instruction(JUMP_IF_EQUAL, 0, tests.length + 2, target.audit),
    instruction(LOAD, 0, 0, NUMBER_OFFSET),
    ...tests.map(([code, value], index) => instruction(code, tests.length - index, 0, value)),
    instruction(RETURN, 0, 0, ALLOW),
    instruction(RETURN, 0, 0, REFUSE),
  ];
  return Buffer.concat(program);
}

type Instruction = readonly [code: number, value: number];

interface Target {
  /** AUDIT_ARCH_* of linux/audit.h. */
  readonly audit: number;
  readonly numbers: readonly number[];
}

const LOAD = 0x20;
const JUMP_IF_EQUAL = 0x15;
const JUMP_IF_AT_LEAST = 0x35;
const RETURN = 0x06;
const ALLOW = 0x7fff_0000;
/** SECCOMP_RET_ERRNO with EPERM. */
const REFUSE = 0x0005_0001;
/** Offsets in struct seccomp_data. */
const NUMBER_OFFSET = 0;
const ARCH_OFFSET = 4;

/**
 * In this order: syslog, add_key, request_key, keyctl, perf_event_open, bpf, userfaultfd, open_by_handle_at, kexec_load,
 * kexec_file_load, init_module, finit_module, delete_module, unshare, setns, mount, umount2, pivot_root, ptrace.
 */
const TARGETS: Readonly<Record<string, Target>> = {
  x64: {
    audit: 0xc000_003e,
    numbers: [103, 248, 249, 250, 298, 321, 323, 304, 246, 320, 175, 313, 176, 272, 308, 165, 166, 155, 101],
  },
  arm64: {
    audit: 0xc000_00b7,
    numbers: [116, 217, 218, 219, 241, 280, 282, 265, 104, 294, 105, 273, 106, 97, 268, 40, 39, 41, 117],
  },
};

/**
 * io_uring_setup, io_uring_enter, io_uring_register; open_tree, move_mount, fsopen, fsconfig, fsmount, fspick;
 * mount_setattr.
 */
const SAME_EVERYWHERE = [425, 426, 427, 428, 429, 430, 431, 432, 433, 442];

/** struct sock_filter, little-endian as both architectures are. */
function instruction(code: number, ifTrue: number, ifFalse: number, value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt16LE(code, 0);
  bytes.writeUInt8(ifTrue, 2);
  bytes.writeUInt8(ifFalse, 3);
  bytes.writeUInt32LE(value, 4);
  return bytes;
}
