// Reading a provider's JSON: what we need must be there and be of its type, whatever else there is.

/** Thrown by readers, caught by the client: the answer is not what the provider documents. The message names the field, never its value. */
export class AnswerInvalid extends Error {
  readonly code = 'answer_invalid';
  constructor(path: string, expected: string) {
    super(`${path === '' ? 'the answer' : path} is not ${expected}`);
    this.name = 'AnswerInvalid';
  }
}

const TEXT_MAX = 4_096;

export class Fields {
  readonly #object: Readonly<Record<string, unknown>>;
  readonly #path: string;

  constructor(value: unknown, path = '') {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new AnswerInvalid(path, 'an object');
    this.#object = value as Record<string, unknown>;
    this.#path = path;
  }

  text(name: string): string {
    const value = this.textOrNull(name);
    if (value === null) throw new AnswerInvalid(this.#at(name), 'a text');
    return value;
  }

  /** Providers leave out, null and empty what is not set: all are null here. */
  textOrNull(name: string): string | null {
    const value = this.#object[name] ?? null;
    if (value === null || value === '') return null;
    if (typeof value !== 'string' || value.length > TEXT_MAX) throw new AnswerInvalid(this.#at(name), 'a text');
    return value;
  }

  boolean(name: string, otherwise: boolean): boolean {
    const value = this.#object[name] ?? otherwise;
    if (typeof value !== 'boolean') throw new AnswerInvalid(this.#at(name), 'true or false');
    return value;
  }

  integer(name: string, otherwise: number): number {
    const value = this.#object[name] ?? otherwise;
    if (!Number.isSafeInteger(value)) throw new AnswerInvalid(this.#at(name), 'a whole number');
    return value as number;
  }

  object(name: string): Fields {
    return new Fields(this.#object[name], this.#at(name));
  }

  objectOrNull(name: string): Fields | null {
    const value = this.#object[name] ?? null;
    return value === null ? null : new Fields(value, this.#at(name));
  }

  list(name: string): readonly Fields[] {
    const value = this.#object[name];
    if (!Array.isArray(value)) throw new AnswerInvalid(this.#at(name), 'a list');
    return value.map((item, index) => new Fields(item, `${this.#at(name)}[${index}]`));
  }

  listOrEmpty(name: string): readonly Fields[] {
    return (this.#object[name] ?? null) === null ? [] : this.list(name);
  }

  /** Nothing where it is left out. */
  texts(name: string): readonly string[] {
    const value = this.#object[name] ?? [];
    const isTexts = Array.isArray(value) && value.every((item) => typeof item === 'string');
    if (!isTexts) throw new AnswerInvalid(this.#at(name), 'a list of texts');
    return value;
  }

  #at(name: string): string {
    return this.#path === '' ? name : `${this.#path}.${name}`;
  }
}
