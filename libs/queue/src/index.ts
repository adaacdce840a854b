export { createConsumer, type ConsumerOptions } from './consumer.ts';
export type { QueueOptions } from './options.ts';
export { createQueue } from './producer.ts';
