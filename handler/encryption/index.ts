import { tenantOf } from '../caller.ts';
import { ApiError } from '../errors.ts';
import { log } from '../log.ts';
import { statementsOf, withBatch } from '../state/database/batch.ts';
import type { Batch, Row, Rows, Statement, Value } from '../state/database/database.ts';
import { type Encryption, type EncryptionOptions, UnreadableText } from '../state/encryption.ts';
import { all, then } from './at-once.ts';
import { checkSecrets } from './check.ts';
import { Keyring } from './keyring.ts';
import { DroppedKey, TenantKeys, type UsableKey } from './tenant-keys.ts';
import { isEncrypted, joinEncrypted, splitEncrypted } from './text.ts';
import { openWebCipher } from './web-cipher.ts';

export { encryptPlain } from './encrypt-plain.ts';
export { rewrapTenantKeys, rotateTenantKey } from './rotate.ts';

/** Opens the encryption of a database; see Encryption. */
export function openEncryption(options: EncryptionOptions): Encryption {
  const { database, secrets, encrypts, openCipher = openWebCipher, unreadable = tell, dropped } = options;
  const keyring = new Keyring(secrets);
  const keys = new TenantKeys({ database, keyring, openCipher, dropped });

  const seal = (partition: string, text: string) => {
    const tenant = tenantOf(partition);
    const write = ({ id, cipher }: UsableKey) =>
      then(cipher.encrypt(text, boundOf(partition, id)), (base64) => joinEncrypted(id, base64));
    return then(keys.newestNow(tenant) ?? keys.newest(tenant), write);
  };

  const open = (partition: string, text: string) => {
    const { key: id, base64 } = splitEncrypted(text) ?? {};
    if (id === undefined || base64 === undefined) throw new UnreadableText('it is cut off, or of a newer program');
    const tenant = tenantOf(partition);
    return then(keys.now(tenant, id) ?? keys.find(tenant, id), (cipher) => {
      try {
        const opened = cipher.decrypt(base64, boundOf(partition, id));
        return typeof opened === 'string' ? opened : opened.catch(refuseChanged);
      } catch (error) {
        return refuseChanged(error);
      }
    });
  };

  /** Makes the keys that a batch needs, one after another: its values would each make one. */
  const makeKeys = async (batch: Batch) => {
    for (const { confidential = [] } of statementsOf(batch))
      for (const { tenant } of confidential) if (!keys.newestNow(tenantOf(tenant))) await keys.newest(tenantOf(tenant));
  };

  const sealStatement = (statement: Statement): Statement | Promise<Statement> => {
    if (!statement.confidential) return statement;
    const values: Value[] = [...statement.values];
    const waits = statement.confidential.map(({ at, tenant }) =>
      then(seal(tenant, String(values[at])), (sealed) => {
        values[at] = sealed;
      }),
    );
    return then(all(waits), () => ({ ...statement, values }));
  };

  const shared = withBatch(database, (database) => async (batch) => {
    if (encrypts) await makeKeys(batch);
    const sealed = encrypts ? await sealBatch(batch, sealStatement) : batch;
    return mapRows(await database.batch(sealed), (row) => {
      const { tenant } = row;
      // Whose the rows without a tenant are is known by who asks for them.
      if (typeof tenant !== 'string') return row;
      return openRow(row, async (text) => {
        try {
          return await open(tenant, text);
        } catch (error) {
          if (!(error instanceof UnreadableText)) throw error;
          unreadable(tenant, error);
          return text;
        }
      });
    });
  });

  return {
    shared,
    of(shared, partition) {
      const tenant = tenantOf(partition);
      return withBatch(shared, (shared) => async (batch) => {
        // What this process remembers of a tenant goes with its key, whatever is asked for.
        if (encrypts || keys.has(tenant)) await keys.refresh(tenant);
        const rows = await shared.batch(batch);
        try {
          return await mapRows(rows, (row) => {
            const own = typeof row.tenant === 'string' ? row.tenant : partition;
            return openRow(row, (text) => open(own, text));
          });
        } catch (error) {
          if (!(error instanceof UnreadableText)) throw error;
          unreadable(partition, error);
          throw refusal(error);
        }
      });
    },
    check: checkSecrets,
    setSecrets(secrets) {
      keyring.setSecrets(secrets);
      keys.clear();
    },
  };
}

/** What a text is bound to: it opens in the partition alone that it was written in. As JSON, so that no two give the same. */
function boundOf(partition: string, key: string): string {
  return JSON.stringify(['antiphon', 'text', partition, key]);
}

function refuseChanged(cause: unknown): never {
  throw new UnreadableText('it is not as it was written', { cause });
}

async function sealBatch<B extends Batch>(
  batch: B,
  seal: (statement: Statement) => Statement | Promise<Statement>,
): Promise<B> {
  const sealed: Record<string, Statement | readonly Statement[]> = {};
  for (const [name, entry] of Object.entries(batch)) {
    sealed[name] = 'kind' in entry ? await seal(entry) : await all(entry.map(seal));
  }
  return sealed as B; // the same names, with as many statements
}

/** The same rows where none has an encrypted text, which is found out without a Promise. */
async function mapRows<B extends Batch>(rows: Rows<B>, open: (row: Row) => Row | Promise<Row>): Promise<Rows<B>> {
  let opened: Record<string, readonly Row[]> | undefined;
  for (const name in rows) {
    const first = rows[name].findIndex(hasEncrypted);
    const row = rows[name][first];
    if (!row) continue;
    opened ??= { ...rows };
    // One alone first, whose key the others have.
    const [before, others] = [rows[name].slice(0, first), rows[name].slice(first + 1)];
    const own = await open(row);
    opened[name] = [...before, own, ...(await all(others.map((row) => (hasEncrypted(row) ? open(row) : row))))];
  }
  return (opened as Rows<B> | undefined) ?? rows; // the same names
}

function hasEncrypted(row: Row): boolean {
  for (const column in row) if (isEncrypted(row[column])) return true;
  return false;
}

function openRow(row: Row, open: (text: string) => string | Promise<string>): Row | Promise<Row> {
  const opened: Record<string, Value> = {};
  const waits: (void | Promise<void>)[] = [];
  for (const column in row) {
    const value = row[column] ?? null;
    opened[column] = value;
    if (!isEncrypted(value)) continue;
    const put = then(open(value), (text) => {
      opened[column] = text;
    });
    if (put) waits.push(put);
  }
  return waits.length === 0 ? opened : Promise.all(waits).then(() => opened);
}

/** Tells of a text that is not as it should be; that a key was dropped is no trouble. */
function tell(partition: string, error: UnreadableText): void {
  if (error instanceof DroppedKey) return;
  log.error('a stored text cannot be read', { tenant: tenantOf(partition), error: error.message });
}

/** The answer to who asks for a text that cannot be read. */
function refusal(error: UnreadableText): ApiError {
  if (error instanceof DroppedKey) {
    const message = 'What was stored here can no longer be read by anybody: the key of its tenant was dropped.';
    return new ApiError('shredded', message, { cause: error });
  }
  const message = 'What is stored here cannot be read; the log of the server says why.';
  return new ApiError('server', message, { cause: error, retry: false });
}
