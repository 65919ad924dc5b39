import { expect, it } from 'vitest';
import { syscallFilter } from './syscall-filter.js';

const X64 = 0xc000_003e;
const ARM64 = 0xc000_00b7;

/** What the kernel would answer: runs the program on one call. */
function answer(program: Buffer, audit: number, number: number): number {
  let loaded = 0;
  for (let at = 0; at < program.length; at += 8) {
    const value = program.readUInt32LE(at + 4);
    const jump = (condition: boolean): number => 8 * program.readUInt8(at + (condition ? 2 : 3));
    switch (program.readUInt16LE(at)) {
      case 0x20:
        loaded = value === 4 ? audit : number;
        break;
      case 0x15:
        at += jump(loaded === value);
        break;
      case 0x35:
        at += jump(loaded >= value);
        break;
      default:
        return value;
    }
  }
  throw new Error('the program ends without an answer');
}
const [ALLOWED, REFUSED] = [0x7fff_0000, 0x0005_0001];

it.each([
  ['x64', X64, 0 /* read */, ALLOWED],
  ['x64', X64, 56 /* clone */, ALLOWED],
  ['x64', X64, 103 /* syslog */, REFUSED],
  ['x64', X64, 442 /* mount_setattr */, REFUSED],
  ['x64', X64, 0x4000_0000 /* read by x32 */, REFUSED],
  ['x64', 0x4000_0003 /* i386 */, 3, REFUSED],
  ['arm64', ARM64, 63 /* read */, ALLOWED],
  ['arm64', ARM64, 219 /* keyctl */, REFUSED],
  ['arm64', X64, 0, REFUSED],
])('on %s a call of architecture %i, number %i is answered %i', (arch, audit, number, expected) => {
  const program = syscallFilter(arch);
  expect(program && answer(program, audit, number)).toBe(expected);
});

it('there is none where the numbers of the calls are not known', () => {
  expect(syscallFilter('s390x')).toBeUndefined();
});
