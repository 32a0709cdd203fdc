import type { Dashboard } from '../../src/dashboard/dashboard.ts';
import type { DashboardKind } from '../../src/dashboard/messages.ts';
import type { PipelineContext } from '../definition.ts';
import type { DashboardValues } from './options.ts';

/** Serves the dashboard that was asked for, and says where; undefined where none was. The caller closes it. */
export async function openDashboard(
  { dashboard: port, dashboardHost: host, dashboardToken: token }: DashboardValues,
  about: { readonly kind: DashboardKind; readonly title: string },
  { emit, progress }: Pick<PipelineContext, 'emit' | 'progress'>,
): Promise<Dashboard | undefined> {
  if (port === undefined) return undefined;
  const { startDashboard } = await import('../../src/dashboard/dashboard.ts');
  const dashboard = await startDashboard({
    ...about,
    host,
    ...(port !== true && { port }),
    ...(token !== undefined && { token }),
  });
  emit({ type: 'dashboard', url: dashboard.url });
  progress.note(`dashboard: ${dashboard.url}`);
  return dashboard;
}
