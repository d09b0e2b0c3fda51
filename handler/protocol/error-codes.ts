/** Why a response may have failed, in the API's words. */
export const responseErrorCodes = [
  'server_error',
  'rate_limit_exceeded',
  'invalid_prompt',
  'data_residency_mismatch',
  'bio_policy',
  'misalignment_policy_violation',
  'vector_store_timeout',
  'invalid_image',
  'invalid_image_format',
  'invalid_base64_image',
  'invalid_image_url',
  'image_too_large',
  'image_too_small',
  'image_parse_error',
  'image_content_policy_violation',
  'invalid_image_mode',
  'image_file_too_large',
  'unsupported_image_media_type',
  'empty_image_file',
  'failed_to_download_image',
  'image_file_not_found',
] as const;
/** One of them. */
export type ResponseErrorCode = (typeof responseErrorCodes)[number];

/** Why a request may be refused, in the API's words, beside those. */
export const refusalCodes = [
  'unsupported_parameter',
  'unsupported_value',
  'unknown_parameter',
  'missing_required_parameter',
  'mutually_exclusive_parameters',
  'invalid_type',
  'invalid_value',
  'invalid_json',
  'invalid_json_schema',
  'invalid_schema',
  'invalid_function_parameters',
  'integer_above_max_value',
  'integer_below_min_value',
  'decimal_above_max_value',
  'decimal_below_min_value',
  'string_above_max_length',
  'string_below_min_length',
  'array_above_max_length',
  'array_below_min_length',
  'unsupported_file',
  'content_filter',
  'content_policy_violation',
] as const;
/** One of them. */
export type RefusalCode = (typeof refusalCodes)[number];
