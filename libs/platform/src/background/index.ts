export type { BackgroundTask, TaskState } from './background-task.ts';
export { BackgroundTasks } from './background-tasks.ts';
export { heartbeatTask, type Heartbeat } from './heartbeat.ts';
export { publicMessage } from './public-message.ts';
export { RepeatedTask, type RepeatedTaskOptions } from './repeated-task.ts';
