import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  ParentBasedSampler,
  type Sampler as SdkSampler,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace';
import type { Sampler } from './settings.ts';
import { numberOf, type Variables } from './variables.ts';

/** Which spans are made, and how large they get, as options of the SDK's TracerProvider; throws an Error that names the variable. */
export function tracingOptions(sampler: Sampler, variables: Variables) {
  // A limit of spans, else of all that has attributes.
  const limit = (name: string, fallback: number) =>
    numberOf(variables, `OTEL_SPAN_${name}`, numberOf(variables, `OTEL_${name}`, fallback));
  return {
    sampler: samplerOf(sampler),
    spanLimits: {
      attributeCountLimit: limit('ATTRIBUTE_COUNT_LIMIT', 128),
      attributeValueLengthLimit: limit('ATTRIBUTE_VALUE_LENGTH_LIMIT', Number.POSITIVE_INFINITY),
    },
  };
}

function samplerOf({ parentBased, ratio }: Sampler): SdkSampler {
  const root =
    ratio === 1 ? new AlwaysOnSampler() : ratio === 0 ? new AlwaysOffSampler() : new TraceIdRatioBasedSampler(ratio);
  return parentBased ? new ParentBasedSampler({ root }) : root;
}
