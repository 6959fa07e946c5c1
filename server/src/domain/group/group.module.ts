import { Module } from '@nestjs/common';
import { GroupService } from './group.service.ts';

@Module({ providers: [GroupService], exports: [GroupService] })
export class GroupModule {}
