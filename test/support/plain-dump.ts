/** A plain dump as pg_dump writes it, around the statements given. */
export function plainDump(statements: string): string {
  return `--
-- PostgreSQL database dump
--

-- Dumped from database version 15.2
-- Dumped by pg_dump version 15.2

SET client_encoding = 'UTF8';
SET client_min_messages = warning;

${statements}

--
-- PostgreSQL database dump complete
--

`;
}
