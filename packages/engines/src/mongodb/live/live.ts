import { MusterError } from '@muster/core';
import type { LiveDumper } from '../../engine.js';

export const mongodbLiveDumper: LiveDumper = {
  survey: () => Promise.reject(later()),
  dump: () => {
    throw later();
  },
};

const later = () => new MusterError('not_supported_yet', 'A live dump of MongoDB is not supported yet.');
