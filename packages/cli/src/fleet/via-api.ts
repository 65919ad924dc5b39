import type { Cli } from '../cli.js';
import type { ApiClient } from './api-client.js';

type ByApi = typeof import('../commands/drill-by-api.js')['DRILL_BY_API'];

/** `byApi` where `MUSTER_API_URL` names an API, else `here`; what the API needs is loaded only then. */
export async function viaApi(
  cli: Cli,
  byApi: (commands: ByApi, api: ApiClient) => Promise<number>,
  here: () => Promise<number>,
): Promise<number> {
  if (!cli.environment.env['MUSTER_API_URL']) return await here();
  const [{ DRILL_BY_API }, { apiClient }] = await Promise.all([
    import('../commands/drill-by-api.js'),
    import('./api-client.js'),
  ]);
  const api = apiClient(cli.environment.env);
  return api === undefined ? await here() : await byApi(DRILL_BY_API, api);
}
