import {
  Body,
  ClassSerializerInterceptor,
  Controller,
  Get,
  Module,
  Post,
  Query,
  Res,
  ValidationPipe,
} from '@nestjs/common';
import { NestFactory, Reflector } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Exclude, Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsEmail,
  IsIn,
  IsInt,
  IsNumber,
  IsOptional,
  IsPositive,
  IsString,
  Length,
  Max,
  MaxLength,
  Min,
  ValidateNested,
} from 'class-validator';
import type { FastifyReply } from 'fastify';

import * as catalogue from '../catalogue.ts';
import { decorateMethod, decorateParameter, decorateProperty } from '../decorate.ts';
import { report } from '../server-process.ts';

/**
 * Nest's documented way: DTO classes with class-validator, and ClassSerializerInterceptor so that the excluded field does not leave.
 * `NEST_SERIALIZER=off` leaves the interceptor out, which writes every field of the stored item.
 */

class Dimensions {
  declare width: number;
  declare height: number;
  declare depth: number;
}
for (const name of ['width', 'height', 'depth']) decorateProperty(Dimensions, name, Number, IsNumber(), IsPositive());

class NewItem {
  declare name: string;
  declare description?: string;
  declare price: number;
  declare quantity: number;
  declare status: 'active' | 'archived';
  declare tags: string[];
  declare dimensions: Dimensions;
  declare contact: string;
}
decorateProperty(NewItem, 'name', String, IsString(), Length(1, 100));
decorateProperty(NewItem, 'description', String, IsOptional(), IsString(), MaxLength(2000));
decorateProperty(NewItem, 'price', Number, IsNumber(), Min(0));
decorateProperty(NewItem, 'quantity', Number, IsInt(), Min(0));
decorateProperty(NewItem, 'status', String, IsIn(['active', 'archived']));
decorateProperty(
  NewItem,
  'tags',
  Array,
  IsArray(),
  ArrayMaxSize(20),
  IsString({ each: true }),
  Length(1, 30, { each: true }),
);
decorateProperty(
  NewItem,
  'dimensions',
  Dimensions,
  ValidateNested(),
  Type(() => Dimensions),
);
decorateProperty(NewItem, 'contact', String, IsEmail());

class ItemQuery {
  page = 1;
  per_page = 20;
  declare status?: 'active' | 'archived';
}
decorateProperty(
  ItemQuery,
  'page',
  Number,
  Type(() => Number),
  IsInt(),
  Min(1),
);
decorateProperty(
  ItemQuery,
  'per_page',
  Number,
  Type(() => Number),
  IsInt(),
  Min(1),
  Max(100),
);
decorateProperty(ItemQuery, 'status', String, IsOptional(), IsIn(['active', 'archived']));

/** As in Nest's documentation of serialisation: an entity made of a row, with what must not leave excluded. */
// oxlint-disable-next-line typescript/no-extraneous-class -- its fields are those of the row
class Item {
  constructor(row: catalogue.StoredItem) {
    Object.assign(this, row);
  }
}
decorateProperty(Item, 'cost_price', Number, Exclude());

const serialises = process.env['NEST_SERIALIZER'] !== 'off';

class ItemsController {
  list({ page, per_page, status }: ItemQuery): unknown {
    const found = catalogue.listItems(page, per_page, status);
    return serialises ? { ...found, data: found.data.map((row) => new Item(row)) } : found;
  }

  create(item: NewItem, reply: FastifyReply): unknown {
    const created = catalogue.createItem(item as catalogue.NewItem);
    reply.header('location', `/items/${created.id}`);
    return serialises ? new Item(created) : created;
  }
}
Controller('items')(ItemsController);
decorateParameter(ItemsController, 'list', 0, Query());
decorateParameter(ItemsController, 'create', 0, Body());
decorateParameter(ItemsController, 'create', 1, Res({ passthrough: true }));
decorateMethod(ItemsController, 'list', [ItemQuery], Get());
decorateMethod(ItemsController, 'create', [NewItem, Object], Post());

// oxlint-disable-next-line typescript/no-extraneous-class -- a Nest module is a class, whatever it holds
class AppModule {}
Module({ controllers: [ItemsController] })(AppModule);

const app = await NestFactory.create<NestFastifyApplication>(AppModule, new FastifyAdapter(), { logger: ['error'] });
app.useGlobalPipes(new ValidationPipe({ whitelist: true, forbidNonWhitelisted: true, transform: true }));
if (serialises) app.useGlobalInterceptors(new ClassSerializerInterceptor(app.get(Reflector)));
await app.listen(0, '127.0.0.1');
report(app.getHttpServer());
