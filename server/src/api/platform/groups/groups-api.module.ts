import { Module } from '@nestjs/common';
import { GroupModule } from '../../../domain/group/group.module.ts';
import { GroupsController } from './groups.controller.ts';

@Module({ imports: [GroupModule], controllers: [GroupsController] })
export class GroupsApiModule {}
