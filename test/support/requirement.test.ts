import { afterEach, describe, expect, it, vi } from 'vitest';
import { isRequired, requirement } from './requirement.js';

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

describe('what a test requires', () => {
  it.each([
    ['', false],
    ['all', true],
    ['docker', false],
    ['docker, cosign', true],
    ['all,-cosign', false],
    ['-cosign,all', false],
    ['all,-cosign-2', true],
  ])('with MUSTER_TEST_REQUIRE=%j is required: %j', (setting, required) => {
    expect(isRequired('cosign', setting)).toBe(required);
  });

  it('is skipped by name and reason, or fails where it must be there', () => {
    const printed = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    vi.stubEnv('MUSTER_TEST_REQUIRE', '');
    expect(requirement('cosign', false, 'not installed')).toBe(false);
    expect(printed).toHaveBeenCalledWith('skipped: cosign: not installed\n');
    vi.stubEnv('MUSTER_TEST_REQUIRE', 'all');
    expect(() => requirement('cosign', () => false, 'not installed')).toThrow(/cosign: not installed/);
    expect(requirement('cosign', () => true, 'not installed')).toBe(true);
  });
});
