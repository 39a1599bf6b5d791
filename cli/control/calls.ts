import * as z from 'zod';

/** One question that a background process answers: what it takes and what it gives, checked at both ends. */
export interface Call<Input extends z.ZodType, Output extends z.ZodType> {
  readonly input: Input;
  readonly output: Output;
}

export const call = <Input extends z.ZodType, Output extends z.ZodType>(input: Input, output: Output): Call<Input, Output> => ({
  input,
  output,
});

export type Calls = Readonly<Record<string, Call<z.ZodType, z.ZodType>>>;
export type InputOf<Each> = Each extends Call<infer Input, z.ZodType> ? z.input<Input> : never;
export type OutputOf<Each> = Each extends Call<z.ZodType, infer Output> ? z.output<Output> : never;

/** What answers the calls of a table. */
export type Handlers<Table extends Calls> = {
  readonly [Name in keyof Table]: (
    input: Table[Name] extends Call<infer Input, z.ZodType> ? z.output<Input> : never,
  ) => Promise<Table[Name] extends Call<z.ZodType, infer Output> ? z.input<Output> : never>;
};

export const request = z.object({ token: z.string(), call: z.string(), input: z.unknown() });

export const answer = z.union([
  z.object({ ok: z.literal(true), output: z.unknown() }),
  z.object({ ok: z.literal(false), code: z.string(), message: z.string(), causes: z.array(z.string()) }),
]);
export type Answer = z.infer<typeof answer>;
