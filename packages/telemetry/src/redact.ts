/** Of `scheme://user:password@host` the password, up to the last `@` of the word: one may stand in a password. */
const URI_PASSWORD = /(:\/\/[^\s:/]*:)\S*@/g;

/**
 * A second net under the rule that nothing secret is ever logged: takes passwords out of whatever URIs a text holds.
 * Where that is not plain, rather more than too little.
 */
export const redact = (text: string): string => text.replace(URI_PASSWORD, '$1***@');
