// A configuration that cannot be used stops the start. One error names every problem at once.

export interface ConfigProblem {
  /** Dotted key, e.g. `sip.udpPort`. */
  readonly key: string;
  /** Environment variable that sets it. */
  readonly variable: string;
  readonly reason: string;
}

export class ConfigError extends Error {
  readonly code = 'config_invalid';
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    super(problems.map((problem) => `${problem.key} (${problem.variable}): ${problem.reason}`).join('\n'));
    this.name = 'ConfigError';
    this.problems = problems;
  }
}
