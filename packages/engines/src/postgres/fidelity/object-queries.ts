import { OWN_SCHEMA } from './tables.js';

/** One kind of object of a schema, as a query of its `name`, `facts`, and `definition`, which the server writes. */
export interface ObjectPart {
  readonly part: string;
  readonly query: string;
}

/** What an extension brings is the extension's. */
const notOfExtension = (catalog: string, oid: string): string =>
  `NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = '${catalog}'::regclass AND d.objid = ${oid} AND d.deptype = 'e')`;

const nameOf = (schema: string, name: string): string => `format('%I.%I', ${schema}, ${name})`;

/** Tables `c` of schemas `n`. */
const RELATIONS = `pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace AND ${OWN_SCHEMA}`;
const OWN_RELATION = `c.relpersistence <> 't' AND ${notOfExtension('pg_class', 'c.oid')}`;
const TABLE = nameOf('n.nspname', 'c.relname');

/** Columns of \`c\`, in the order of their names. Catalogs of older servers lack some of it. */
const COLUMN_FACTS = `(SELECT string_agg(concat_ws(' ', quote_ident(a.attname), format_type(a.atttypid, a.atttypmod),
    a.attnotnull, nullif(a.attidentity::text, ''), nullif(to_jsonb(a) ->> 'attgenerated', ''),
    CASE WHEN a.attcollation <> t.typcollation THEN (SELECT quote_ident(l.collname) FROM pg_collation l WHERE l.oid = a.attcollation) END),
    ', ' ORDER BY a.attname COLLATE "C")
  FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
  WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)`;
const DEFAULTS = `(SELECT string_agg(concat_ws(' ', quote_ident(a.attname), pg_get_expr(f.adbin, f.adrelid)), ', ' ORDER BY a.attname COLLATE "C")
  FROM pg_attrdef f JOIN pg_attribute a ON a.attrelid = f.adrelid AND a.attnum = f.adnum WHERE f.adrelid = c.oid)`;
const OPTIONS = `(SELECT string_agg(o, ' ' ORDER BY o COLLATE "C") FROM unnest(c.reloptions) AS o)`;
const PARENTS = `(SELECT string_agg(i.inhparent::regclass::text, ', ' ORDER BY i.inhseqno) FROM pg_inherits i WHERE i.inhrelid = c.oid)`;
/** One that is an index is told of with it. */
const REPLICA_IDENTITY = `CASE c.relreplident WHEN 'f' THEN 'replica identity full' WHEN 'n' THEN 'replica identity nothing' END`;
/** The column with which a sequence goes. */
const OWNING_COLUMN = `(SELECT format('of %s.%I', d.refobjid::regclass, a.attname)
  FROM pg_depend d JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
  WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i'))`;

const relations = (part: string, kinds: string, definition: string): ObjectPart => ({
  part,
  query: `SELECT ${TABLE} AS name,
      concat_ws(' ', c.relkind, c.relpersistence, c.relrowsecurity, c.relforcerowsecurity, ${PARENTS}, ${COLUMN_FACTS}, ${OPTIONS}, ${REPLICA_IDENTITY}) AS facts,
      ${definition} AS definition
    FROM ${RELATIONS} WHERE c.relkind IN (${kinds}) AND ${OWN_RELATION}`,
});

/** Of a server of this major version. */
export const objectParts = (major: number): readonly ObjectPart[] => [
  {
    part: 'schema',
    // Every new database has it.
    query: `SELECT quote_ident(n.nspname) AS name, '' AS facts, '' AS definition FROM pg_namespace n
      WHERE ${OWN_SCHEMA} AND n.nspname <> 'public' AND ${notOfExtension('pg_namespace', 'n.oid')}`,
  },
  relations(
    'table',
    `'r', 'p', 'f'`,
    `concat_ws(' ', pg_get_partkeydef(c.oid), pg_get_expr(c.relpartbound, c.oid), ${DEFAULTS})`,
  ),
  relations('view', `'v', 'm'`, `concat_ws(' ', pg_get_viewdef(c.oid), ${DEFAULTS})`),
  {
    part: 'index',
    // pg_dump leaves out what is not valid.
    query: `SELECT ${nameOf('n.nspname', 'x.relname')} AS name,
        concat_ws(' ', ${TABLE}, i.indisunique, i.indisprimary, CASE WHEN i.indisreplident THEN 'replica identity' END) AS facts, pg_get_indexdef(x.oid) AS definition
      FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid CROSS JOIN ${RELATIONS}
      WHERE c.oid = i.indrelid AND i.indisready AND (i.indisvalid OR c.relkind = 'p') AND ${OWN_RELATION}`,
  },
  {
    part: 'constraint',
    // Those that a partition has of its parent, PostgreSQL names anew; NOT NULL is told with the columns.
    query: `SELECT format('%s.%I', CASE WHEN c.oid IS NULL THEN ${nameOf('tn.nspname', 't.typname')} ELSE ${TABLE} END, o.conname) AS name,
        concat_ws(' ', o.contype, o.convalidated, o.condeferrable, o.condeferred) AS facts,
        pg_get_constraintdef(o.oid) AS definition
      FROM pg_constraint o LEFT JOIN (${RELATIONS}) ON c.oid = o.conrelid AND ${OWN_RELATION}
        LEFT JOIN pg_type t ON t.oid = o.contypid AND ${notOfExtension('pg_type', 't.oid')}
        LEFT JOIN pg_namespace tn ON tn.oid = t.typnamespace
      WHERE (c.oid IS NOT NULL OR (tn.nspname <> 'information_schema' AND tn.nspname !~ '^pg_'))
        AND o.contype IN ('c', 'f', 'p', 'u', 'x') AND NOT (o.contype = 'f' AND o.conparentid <> 0)`,
  },
  {
    part: 'function',
    query: `SELECT ${nameOf('n.nspname', 'p.proname')} || '(' || pg_get_function_identity_arguments(p.oid) || ')' AS name,
        concat_ws(' ', p.prokind, l.lanname, p.provolatile, p.proisstrict, p.prosecdef, p.proleakproof, p.proparallel,
          p.proretset, p.prorettype::regtype, p.procost, p.prorows, p.proconfig::text, p.probin, p.prosrc,
          (SELECT concat_ws(' ', g.aggtransfn, g.aggfinalfn, g.aggtranstype::regtype, g.agginitval) FROM pg_aggregate g WHERE g.aggfnoid = p.oid)
        ) AS facts,
        concat_ws(' ', pg_get_function_arguments(p.oid)${major >= 14 ? ', pg_get_function_sqlbody(p.oid)' : ''}) AS definition
      FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
      WHERE ${OWN_SCHEMA} AND NOT EXISTS (SELECT FROM pg_depend d
        WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype IN ('e', 'i'))`,
  },
  {
    part: 'trigger',
    // Those that a partition has of its parent come with it.
    query: `SELECT format('%s.%I', ${TABLE}, g.tgname) AS name, g.tgenabled::text AS facts, pg_get_triggerdef(g.oid) AS definition
      FROM pg_trigger g CROSS JOIN ${RELATIONS}
      WHERE c.oid = g.tgrelid AND NOT g.tgisinternal AND coalesce(to_jsonb(g) ->> 'tgparentid', '0') = '0' AND ${OWN_RELATION}`,
  },
  {
    part: 'trigger state',
    // Of a partition, that it has not of its parent: it fires, or not, by itself. Those of foreign keys no dump tells.
    query: `SELECT format('%s.%I', ${TABLE}, g.tgname) AS name, g.tgenabled::text AS facts, '' AS definition
      FROM pg_trigger g CROSS JOIN ${RELATIONS}
      WHERE c.oid = g.tgrelid AND ${OWN_RELATION}
        AND EXISTS (SELECT FROM pg_depend d JOIN pg_trigger parent ON parent.oid = d.refobjid
          WHERE d.classid = 'pg_trigger'::regclass AND d.objid = g.oid AND d.refclassid = 'pg_trigger'::regclass
            AND parent.tgenabled <> g.tgenabled)
        AND NOT EXISTS (SELECT FROM pg_constraint o WHERE o.oid = g.tgconstraint AND o.contype <> 't')`,
  },
  {
    part: 'rule',
    query: `SELECT format('%s.%I', ${TABLE}, r.rulename) AS name, r.ev_enabled::text AS facts, pg_get_ruledef(r.oid) AS definition
      FROM pg_rewrite r CROSS JOIN ${RELATIONS}
      WHERE c.oid = r.ev_class AND r.rulename <> '_RETURN' AND ${OWN_RELATION}`,
  },
  {
    part: 'policy',
    query: `SELECT format('%s.%I', ${TABLE}, p.polname) AS name, concat_ws(' ', p.polcmd, p.polpermissive) AS facts,
        concat_ws(' ', pg_get_expr(p.polqual, p.polrelid), 'check', pg_get_expr(p.polwithcheck, p.polrelid)) AS definition
      FROM pg_policy p CROSS JOIN ${RELATIONS} WHERE c.oid = p.polrelid AND ${OWN_RELATION}`,
  },
  {
    part: 'type',
    query: `SELECT ${nameOf('n.nspname', 't.typname')} AS name,
        concat_ws(' ', t.typtype, t.typnotnull,
          CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, t.typtypmod) END,
          (SELECT quote_ident(l.collname) FROM pg_collation l JOIN pg_type b ON b.oid = t.typbasetype
            WHERE l.oid = t.typcollation AND t.typcollation <> b.typcollation),
          (SELECT string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid),
          (SELECT r.rngsubtype::regtype::text FROM pg_range r WHERE r.rngtypid = t.oid),
          CASE WHEN t.typtype = 'c' THEN ${COLUMN_FACTS} END) AS facts,
        t.typdefault AS definition
      FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace LEFT JOIN pg_class c ON c.oid = t.typrelid
      WHERE ${OWN_SCHEMA} AND t.typtype IN ('e', 'd', 'r', 'c') AND (t.typtype <> 'c' OR c.relkind = 'c')
        AND ${notOfExtension('pg_type', 't.oid')}`,
  },
  {
    part: 'sequence',
    query: `SELECT ${TABLE} AS name, concat_ws(' ', format_type(s.seqtypid, NULL), s.seqstart, s.seqincrement, s.seqmax, s.seqmin,
        s.seqcache, s.seqcycle, ${OWNING_COLUMN}) AS facts, '' AS definition
      FROM pg_sequence s CROSS JOIN ${RELATIONS} WHERE c.oid = s.seqrelid AND ${OWN_RELATION}`,
  },
  {
    part: 'statistics',
    query: `SELECT ${nameOf('n.nspname', 's.stxname')} AS name, s.stxkind::text AS facts, pg_get_statisticsobjdef(s.oid) AS definition
      FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace WHERE ${OWN_SCHEMA}`,
  },
  {
    part: 'event trigger',
    query: `SELECT quote_ident(e.evtname) AS name, concat_ws(' ', e.evtevent, e.evtenabled, e.evtfoid::regproc, e.evttags::text) AS facts,
        '' AS definition
      FROM pg_event_trigger e WHERE ${notOfExtension('pg_event_trigger', 'e.oid')}`,
  },
];
