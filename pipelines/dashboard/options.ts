import { type Option, type OptionValues, portOption, textOption } from '../definition.ts';

/** The options of pipelines that have a dashboard. */
export type DashboardOptions = {
  readonly dashboard: Option<number | true | undefined>;
  readonly dashboardHost: Option<string>;
  readonly dashboardToken: Option<string | undefined>;
};

/** Values of the options of pipelines that have a dashboard. */
export type DashboardValues = OptionValues<DashboardOptions>;

/** The options of pipelines that have a dashboard. */
export const dashboardOptions: DashboardOptions = {
  dashboard: portOption({
    help: 'serve a page that shows the run as it goes on; PORT 8686 where it is free, 0 takes any free one',
  }),
  dashboardHost: textOption({
    placeholder: 'HOST',
    help: "address of the page; another than this machine's own asks for a token",
    default: '127.0.0.1',
  }),
  dashboardToken: textOption({
    placeholder: 'TEXT',
    help: 'what a browser has to name in ?token=; made up where the address needs one',
  }),
};
