/** The database of `\connect name` or `\connect -reuse-previous=on "dbname='…'"` (string_utils.c, appendPsqlMetaConnect). */
export function connectTarget(command: string): string | undefined {
  const plain = /^\\connect ([A-Za-z0-9_.]+|"[A-Za-z0-9_.]+")$/.exec(command)?.[1];
  if (plain !== undefined) return plain.replaceAll('"', '');
  const conninfo = /^\\connect -reuse-previous=on "((?:[^"]|"")+)"$/
    .exec(command)?.[1]
    ?.replaceAll('""', '"');
  const quoted = conninfo === undefined ? undefined : /^dbname='((?:[^'\\]|\\['\\])*)'$/.exec(conninfo)?.[1];
  return quoted?.replace(/\\(['\\])/g, '$1');
}
