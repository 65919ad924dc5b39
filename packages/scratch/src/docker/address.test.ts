import { expect, it } from 'vitest';
import { DEFAULT_ADDRESS, dockerAddress, openDaemon } from './address.js';

it('is DOCKER_HOST, else the default socket', () => {
  expect(dockerAddress({ DOCKER_HOST: 'tcp://docker:2375' })).toBe('tcp://docker:2375');
  expect(dockerAddress({ DOCKER_HOST: '' })).toBe(DEFAULT_ADDRESS);
  expect(dockerAddress({})).toBe(DEFAULT_ADDRESS);
});

it.each(['ssh://host', 'docker.sock', 'npipe:////./pipe/docker_engine'])(
  '%s is refused with what to do',
  (address) => {
    expect(() => openDaemon({ DOCKER_HOST: address })).toThrow(/unix:\/\/PATH nor tcp:\/\/HOST:PORT/);
  },
);

it('TLS without its certificates is refused with where they belong', () => {
  const env = { DOCKER_HOST: 'tcp://docker:2376', DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: '/nowhere' };
  expect(() => openDaemon(env)).toThrow(/ca\.pem.*\/nowhere.*DOCKER_CERT_PATH/);
});
