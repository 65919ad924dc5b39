/** Encodings that a server may have (pg_wchar.h): in none of them is a byte of ASCII a part of another letter. */
const SERVER_ENCODINGS = new Set([
  ...['SQL_ASCII', 'EUC_JP', 'EUC_CN', 'EUC_KR', 'EUC_TW', 'EUC_JIS_2004', 'UTF8', 'MULE_INTERNAL'],
  ...Array.from({ length: 10 }, (_, i) => `LATIN${i + 1}`),
  ...['WIN1256', 'WIN1258', 'WIN866', 'WIN874', 'KOI8R', 'WIN1251', 'WIN1252', 'ISO_8859_5', 'ISO_8859_6'],
  ...['ISO_8859_7', 'ISO_8859_8', 'WIN1250', 'WIN1253', 'WIN1254', 'WIN1255', 'WIN1257', 'KOI8U'],
]);

const ALIASES: Readonly<Record<string, string>> = {
  ...{
    UNICODE: 'UTF8',
    ISO88591: 'LATIN1',
    ISO885915: 'LATIN9',
    KOI8: 'KOI8R',
    WIN: 'WIN1251',
    ALT: 'WIN866',
    ABC: 'WIN1258',
  },
};

/** PostgreSQL's own name of an encoding that a server may have, e.g. `utf-8` → `UTF8`; else undefined. */
export function serverEncoding(name: string): string | undefined {
  const key = name.toUpperCase().replace(/[^A-Z0-9]/g, '');
  const own = [...SERVER_ENCODINGS].find((encoding) => encoding.replaceAll('_', '') === key);
  return own ?? ALIASES[key];
}

/** Labels of the WHATWG Encoding standard for PostgreSQL's encodings. */
const LABELS: Readonly<Record<string, string>> = {
  ...{
    EUC_JP: 'euc-jp',
    EUC_CN: 'gb18030',
    EUC_KR: 'euc-kr',
    KOI8R: 'koi8-r',
    KOI8U: 'koi8-u',
    WIN866: 'ibm866',
    WIN874: 'windows-874',
  },
  ...{
    LATIN2: 'iso-8859-2',
    LATIN3: 'iso-8859-3',
    LATIN4: 'iso-8859-4',
    LATIN5: 'windows-1254',
    LATIN6: 'iso-8859-10',
  },
  ...{ LATIN7: 'iso-8859-13', LATIN8: 'iso-8859-14', LATIN9: 'iso-8859-15', LATIN10: 'iso-8859-16' },
  ...{
    ISO_8859_5: 'iso-8859-5',
    ISO_8859_6: 'iso-8859-6',
    ISO_8859_7: 'iso-8859-7',
    ISO_8859_8: 'iso-8859-8',
  },
};

/** Reads text in one of PostgreSQL's server encodings; UTF-8 where it cannot be told. */
export function decoderFor(encoding: string): (bytes: Buffer) => string {
  if (encoding === 'LATIN1') return (bytes) => bytes.toString('latin1');
  const label = LABELS[encoding] ?? encoding.replace(/^WIN(125\d)$/, 'windows-$1');
  if (label === encoding) return (bytes) => bytes.toString('utf8');
  const decoder = new TextDecoder(label);
  return (bytes) => decoder.decode(bytes);
}
