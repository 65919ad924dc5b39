import { randomBytes } from 'node:crypto';
import { toLabels } from '../labels.js';
import { thisWorker } from '../worker-identity.js';
import { type Daemon, statusOf } from './daemon.js';

/** True if the daemon bounds volumes by a quota (xfs with project quotas): it refuses a size where it cannot hold one. */
export async function holdsVolumeQuota(daemon: Daemon): Promise<boolean> {
  const Name = `muster-quota-${randomBytes(8).toString('hex')}`;
  const Labels = toLabels({ drill: '-', worker: thisWorker(), expiresAt: new Date(Date.now() + 60_000) });
  try {
    await daemon.createVolume({ Name, Labels, Driver: 'local', DriverOpts: { size: '1048576' } });
    return true;
  } catch (error) {
    if (statusOf(error) === undefined) throw error;
    return false;
  } finally {
    await daemon.removeVolume(Name).catch(() => {});
  }
}
