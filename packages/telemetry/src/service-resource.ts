import { defaultResource, type Resource, resourceFromAttributes } from '@opentelemetry/resources';
import type { TelemetryOptions } from './telemetry.js';

/** Who says it: the semantic conventions' `service.*`. */
export function serviceResource({ service, version }: TelemetryOptions): Resource {
  const attributes = {
    'service.name': `muster-${service}`,
    'service.namespace': 'muster',
    'service.version': version,
  };
  return defaultResource().merge(resourceFromAttributes(attributes));
}
