/** Node runs these files as they are and knows no decorators: this is what TypeScript makes of them. */

type MethodDecorator = (prototype: object, name: string, descriptor: PropertyDescriptor) => unknown;
type PropertyDecorator = (prototype: object, name: string) => void;
type ParameterDecorator = (prototype: object, name: string, index: number) => void;

export function decorateMethod(
  type: { readonly prototype: object },
  name: string,
  parameterTypes: readonly unknown[],
  ...decorators: readonly MethodDecorator[]
): void {
  Reflect.defineMetadata('design:paramtypes', parameterTypes, type.prototype, name);
  let descriptor = Object.getOwnPropertyDescriptor(type.prototype, name)!;
  for (const decorator of decorators)
    descriptor = (decorator(type.prototype, name, descriptor) as PropertyDescriptor) ?? descriptor;
  Object.defineProperty(type.prototype, name, descriptor);
}

export function decorateProperty(
  type: { readonly prototype: object },
  name: string,
  designType: unknown,
  ...decorators: readonly PropertyDecorator[]
): void {
  Reflect.defineMetadata('design:type', designType, type.prototype, name);
  for (const decorator of decorators) decorator(type.prototype, name);
}

export function decorateParameter(
  type: { readonly prototype: object },
  name: string,
  index: number,
  decorator: ParameterDecorator,
): void {
  decorator(type.prototype, name, index);
}
