/** Codes of OpenSSL and Node for a certificate, or a handshake, that is not what was asked for. */
const TLS_FAULT =
  /^(?:ERR_TLS_|ERR_SSL_|CERT_|CRL_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_)/;

/** The code of a fault of TLS; undefined for any other. */
export function tlsFaultOf(error: unknown): string | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    if ('code' in at && typeof at.code === 'string' && TLS_FAULT.test(at.code)) return at.code;
  }
  return undefined;
}
