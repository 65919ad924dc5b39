import { MusterError } from '@muster/core';

/**
 * Where a live source is, by the names of libpq's parameters.
 * https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS
 */
export interface ConnectionUri {
  /** In the order in which they are tried; a host that begins with `/` is a directory with a unix socket. */
  readonly hosts: readonly { readonly host: string; readonly port: number }[];
  readonly user: string;
  readonly password?: string;
  readonly database: string;
  readonly sslmode: (typeof SSL_MODES)[number];
  /** How long a host may take to let us in, ms. */
  readonly connectMs: number;
  /** What else the URI says that libpq takes from its environment too. */
  readonly rest: Readonly<Partial<Record<keyof typeof ENVIRONMENT, string>>>;
  /** What it says that libpq takes from a service file alone. */
  readonly service: Readonly<Partial<Record<(typeof SERVICE)[number], string>>>;
}

const SSL_MODES = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const;

/** Parameters of a URI that are handed on, and their environment variables. */
const ENVIRONMENT = {
  sslrootcert: 'PGSSLROOTCERT',
  sslcert: 'PGSSLCERT',
  sslkey: 'PGSSLKEY',
  sslcrl: 'PGSSLCRL',
  sslsni: 'PGSSLSNI',
  sslcertmode: 'PGSSLCERTMODE',
  ssl_min_protocol_version: 'PGSSLMINPROTOCOLVERSION',
  ssl_max_protocol_version: 'PGSSLMAXPROTOCOLVERSION',
  require_auth: 'PGREQUIREAUTH',
  sslnegotiation: 'PGSSLNEGOTIATION',
  channel_binding: 'PGCHANNELBINDING',
  gssencmode: 'PGGSSENCMODE',
  target_session_attrs: 'PGTARGETSESSIONATTRS',
  options: 'PGOPTIONS',
} as const;

/** Parameters that no environment variable has. */
const SERVICE = [
  'sslpassword',
  'keepalives',
  'keepalives_idle',
  'keepalives_interval',
  'keepalives_count',
  'tcp_user_timeout',
] as const;

/** As libpq has it, a limit of 1 s is one of 2 s. */
const CONNECT_S = { usual: 30, least: 2 } as const;

const SHAPE =
  /^postgres(?:ql)?:\/\/(?:(?<user>[^:@/?#]*)(?::(?<password>[^@/?#]*))?@)?(?<hosts>[^/?#]*)(?:\/(?<database>[^?#]*))?(?:\?(?<query>[^#]*))?$/;

/** @throws `secret_unavailable` for what is no such URI; nothing of it is in the message. */
export function parseConnectionUri(uri: string): ConnectionUri {
  const parts = SHAPE.exec(uri.trim())?.groups;
  if (parts === undefined)
    throw malformed('it does not have the form postgresql://user:password@host:port/database');
  const query = new Map(
    (parts['query'] ?? '')
      .split('&')
      .filter((pair) => pair !== '')
      .map((pair) => {
        const [name = '', value = ''] = pair.split(/=(.*)/s);
        return [decode(name), decode(value)] as const;
      }),
  );
  const hosts = hostsOf(parts['hosts'] ?? '', query.get('host'), query.get('port'));
  const user = query.get('user') ?? decode(parts['user'] ?? '');
  if (user === '') throw malformed('it names no user');
  const password =
    query.get('password') ?? (parts['password'] === undefined ? undefined : decode(parts['password']));
  const database = query.get('dbname') ?? decode(parts['database'] ?? '');
  const sslmode = SSL_MODES.find((mode) => mode === (query.get('sslmode') ?? 'prefer'));
  if (sslmode === undefined) throw malformed(`its sslmode is none of ${SSL_MODES.join(', ')}`);
  if (sslmode.startsWith('verify-') && query.get('sslrootcert') === undefined)
    throw malformed(`its sslmode=${sslmode} needs sslrootcert: the file of the authority, or system`);
  const service = [...query].filter(([name]) => SERVICE.some((one) => one === name));
  if (service.some(([, value]) => /[\r\n]/.test(value))) throw malformed('a value in it has several lines');
  return {
    hosts,
    user,
    ...(password === undefined ? {} : { password }),
    database: database === '' ? user : database,
    sslmode,
    connectMs: connectMs(query.get('connect_timeout')),
    rest: Object.fromEntries([...query].filter(([name]) => Object.hasOwn(ENVIRONMENT, name))),
    service: Object.fromEntries(service),
  };
}

/** Nought and less are no limit to libpq; here every wait has one. */
function connectMs(text: string | undefined): number {
  const seconds = Number(text ?? CONNECT_S.usual);
  if (!Number.isInteger(seconds)) throw malformed('its connect_timeout is no number of seconds');
  return 1000 * (seconds <= 0 ? CONNECT_S.usual : Math.max(CONNECT_S.least, seconds));
}

function hostsOf(authority: string, host: string | undefined, port: string | undefined) {
  const named = authority === '' ? [] : authority.split(',').map(splitPort);
  const hosts = host === undefined ? named.map((one) => one.host) : host.split(',');
  const ports = port === undefined ? named.map((one) => one.port) : port.split(',');
  return (hosts.length === 0 ? ['localhost'] : hosts).map((name, index) => {
    const number = Number((ports.length === 1 ? ports[0] : ports[index]) || 5432);
    if (!Number.isInteger(number) || number < 1 || number > 65535) throw malformed('its port is no port');
    return { host: name === '' ? 'localhost' : name, port: number };
  });
}

/** `host`, `host:5432`, `[::1]:5432`, `%2Frun%2Fpostgresql` */
function splitPort(text: string): { readonly host: string; readonly port: string } {
  const parts = /^(?:\[(?<v6>[^\]]*)\]|(?<host>[^:]*))(?::(?<port>\d*))?$/.exec(text)?.groups;
  if (parts === undefined) throw malformed('its host is no host');
  return { host: parts['v6'] ?? decode(parts['host'] ?? ''), port: parts['port'] ?? '' };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw malformed('it holds a % that is no percent-encoding');
  }
}

const malformed = (why: string) =>
  new MusterError(
    'secret_unavailable',
    `The connection URI cannot be used: ${why}. Look at the secret that \`connection.uri\` refers to.`,
  );

/** The same for libpq's tools: no password or host ever stands in an argument. */
export function libpqEnvironment(uri: ConnectionUri): Readonly<Record<string, string>> {
  return {
    PGHOST: uri.hosts.map(({ host }) => host).join(','),
    PGPORT: uri.hosts.map(({ port }) => port).join(','),
    PGUSER: uri.user,
    ...(uri.password === undefined ? {} : { PGPASSWORD: uri.password }),
    PGDATABASE: uri.database,
    PGSSLMODE: uri.sslmode,
    PGCONNECT_TIMEOUT: String(uri.connectMs / 1000),
    PGAPPNAME: 'muster',
    PGPASSFILE: '/dev/null',
    ...Object.fromEntries(
      Object.entries(ENVIRONMENT).flatMap(([name, variable]) => {
        const value = uri.rest[name as keyof typeof ENVIRONMENT];
        return value === undefined ? [] : [[variable, value]];
      }),
    ),
  };
}

/** What only a service file can tell libpq: a source that is silent for 60 s is gone, where the URI says nothing else. */
export const serviceFile = ({ service }: ConnectionUri): string =>
  [
    `[${SERVICE_NAME}]`,
    ...Object.entries({ ...KEEPALIVES, ...service }).map(([name, value]) => `${name}=${value}`),
  ].join('\n');

export const SERVICE_NAME = 'muster';

const KEEPALIVES = { keepalives_idle: '30', keepalives_interval: '10', keepalives_count: '3' } as const;
