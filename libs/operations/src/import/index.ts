export { batchFailurePages, followBatch, type Followed, type FollowOptions } from './follow.ts';
export { forecastImport, type ForecastOptions, type ImportForecast, type ImportSources } from './forecast.ts';
export { importPeople, type Imported, type ImportOptions, type PeopleFile, type Unusable } from './import.ts';
