import { makeHost } from './bubblewrap-maker.js';
import { scratchContract } from './contract.js';

scratchContract('bubblewrap', makeHost, {
  module: new URL('./bubblewrap-maker.ts', import.meta.url).href,
  image: '',
  user: '999:999',
  binDir: '/usr/lib/postgresql/15/bin',
});
