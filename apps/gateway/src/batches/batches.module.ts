import { Module } from '@nestjs/common';
import { AccessModule } from '../access/access.module.ts';
import { CallRecorder } from '../access/call-recorder.ts';
import { BatchReceiver } from './batch-receiver.ts';
import { BatchesController } from './batches.controller.ts';

/** Files of people: taken in while they are read, followed as one resource. */
@Module({
  imports: [AccessModule],
  controllers: [BatchesController],
  providers: [BatchReceiver, CallRecorder],
})
export class BatchesModule {}
