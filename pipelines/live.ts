import { definePipeline, type Pipeline } from './definition.ts';
import { type LiveOptions, liveOptions } from './streaming/live-options.ts';

/** `pipeline run live`: predictions of a trained network from events as they arrive. */
const live: Pipeline<LiveOptions> = definePipeline({
  name: 'live',
  summary: 'predict from live event cameras',
  description:
    'Predicts from the events of one or several cameras as they arrive, a line for every window. The membrane state ' +
    'of each camera is carried from window to window; several cameras go through the network in one batch. Windows ' +
    'are cut by the time of the events, and closed by the clock where a camera falls silent. Where the network is too ' +
    'slow, --overflow says what is done, and all that is lost is counted. A signal SIGTERM or Ctrl-C ends the run ' +
    'with the windows that are open and its counters; SIGUSR2 begins the state anew.',
  examples: [
    'live --model runs/nmnist-train-20250101-120000 --source udp://127.0.0.1:3333',
    'live --model RUN:ssnn --source udp://0.0.0.0:3333 --idle-timeout 5 --json',
    'live --model RUN --source tcp://127.0.0.1:7777 --source tcp://127.0.0.1:7778 --dashboard',
    'live --model RUN --source file:walk.raw --bin 10 --operations --out ws://127.0.0.1:9000 --snapshot state.safetensors',
  ],
  options: liveOptions,
  async run(values, context) {
    const { runLive } = await import('./streaming/run-live.ts');
    await runLive(values, context);
  },
});

export default live;
