import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';

import { ContractModule, type ContractModuleOptions } from '../../../codegen/runtime/nest/index.ts';
import * as catalogue from '../catalogue.ts';
import { decorateMethod } from '../decorate.ts';
import * as contract from '../generated/catalogue/index.ts';
import { report } from '../server-process.ts';

/** Generated code and its runtime on Nest; `FLOWPACT_RESPONSES` is the response-validation mode. */

class ItemsController implements contract.ItemsController {
  async listItems({ query }: contract.ListItems.Request): Promise<contract.ListItems.Response> {
    return contract.ListItems.respond(200, catalogue.listItems(query.page, query.per_page, query.status));
  }

  async createItem({ body }: contract.CreateItem.Request): Promise<contract.CreateItem.Response> {
    const created = catalogue.createItem(body as catalogue.NewItem);
    return contract.CreateItem.respond(201, created, { Location: `/items/${created.id}` });
  }
}
Controller()(ItemsController);
decorateMethod(ItemsController, 'listItems', [Object], contract.ListItems() as never);
decorateMethod(ItemsController, 'createItem', [Object], contract.CreateItem() as never);

// oxlint-disable-next-line typescript/no-extraneous-class -- a Nest module is a class, whatever it holds
class AppModule {}
Module({
  imports: [
    ContractModule.forRoot({
      contracts: [
        {
          descriptor: contract.contract,
          errors: { bodies: { 'application/json': ({ code, message, details }) => ({ code, message, details }) } },
        },
      ],
      responseValidation: process.env['FLOWPACT_RESPONSES'] as ContractModuleOptions['responseValidation'],
    }),
  ],
  controllers: [ItemsController],
})(AppModule);

const app = await NestFactory.create<NestFastifyApplication>(AppModule, new FastifyAdapter(), { logger: ['error'] });
await app.listen(0, '127.0.0.1');
report(app.getHttpServer());
