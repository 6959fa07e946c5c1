import { Module } from '@nestjs/common';
import { FormModule } from '../../../domain/form/form.module.ts';
import { FormsController } from './forms.controller.ts';

@Module({ imports: [FormModule], controllers: [FormsController] })
export class FormsApiModule {}
