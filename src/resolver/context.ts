/**
 * What a judgement is given on behalf of a job: the time, the job's budget and the rules in force.
 * @module
 */
import type { Context, Policy } from '../dnssec/context.ts';
import type { Clock } from '../environment.ts';
import type { Job } from './job.ts';

export const contextOf = (
  { clock, policy }: { readonly clock: Clock; readonly policy: Policy },
  job: Job,
): Context => ({ now: policy.validationTime ?? clock.now(), budget: job.budget, policy });
