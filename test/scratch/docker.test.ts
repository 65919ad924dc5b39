import { scratchContract } from './contract.js';
import { makeHost } from './docker-maker.js';

scratchContract('docker', makeHost, {
  module: new URL('./docker-maker.ts', import.meta.url).href,
  image: 'muster.test/postgres:15',
  user: '100:102',
  binDir: '/usr/lib/postgresql/15/bin',
});
