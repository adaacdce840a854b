import { Module } from '@nestjs/common';
import { AccessModule } from '../access/access.module.ts';
import { CallRecorder } from '../access/call-recorder.ts';
import { BatchForecaster } from './batch-forecaster.ts';
import { BatchReceiver } from './batch-receiver.ts';
import { BatchesController } from './batches.controller.ts';

/** Batches: files of people that are stored while they are read, each followed as one resource. */
@Module({
  imports: [AccessModule],
  controllers: [BatchesController],
  providers: [BatchReceiver, BatchForecaster, CallRecorder],
})
export class BatchesModule {}
