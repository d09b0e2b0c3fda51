import { tenantOf } from '../caller.ts';
import { ApiError } from '../errors.ts';
import { log } from '../log.ts';
import { decrypt, encrypt } from '../seal.ts';
import { withBatch } from '../state/database/batch.ts';
import type { Batch, Row, Rows, Statement, Value } from '../state/database/database.ts';
import { type Encryption, type EncryptionOptions, UnreadableText } from '../state/encryption.ts';
import { checkSecrets } from './check.ts';
import { Keyring } from './keyring.ts';
import { DroppedKey, TenantKeys } from './tenant-keys.ts';
import { isEncrypted, joinEncrypted, splitEncrypted } from './text.ts';

const encoder = new TextEncoder();
/** With a byte order mark, should a text begin with one. */
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Opens the encryption of a database; see Encryption. */
export function openEncryption({ database, secrets, encrypts, dropped }: EncryptionOptions): Encryption {
  const keyring = new Keyring(secrets);
  const keys = new TenantKeys(database, keyring, dropped);

  /** What a text is bound to: it opens in the partition alone that it was written in. */
  const boundOf = (partition: string, key: string) => ['text', partition, key];

  const seal = async (partition: string, text: string) => {
    const { id, key } = await keys.newest(tenantOf(partition));
    return joinEncrypted(id, await encrypt(key, boundOf(partition, id), encoder.encode(text)));
  };

  const open = async (partition: string, text: string) => {
    const { key: id, base64 } = splitEncrypted(text) ?? {};
    if (id === undefined || base64 === undefined) throw new UnreadableText('it is cut off, or of a newer program');
    const key = await keys.find(tenantOf(partition), id);
    try {
      return decoder.decode(await decrypt(key, boundOf(partition, id), base64));
    } catch (cause) {
      throw new UnreadableText('it is not as it was written', { cause });
    }
  };

  const sealStatement = async (statement: Statement): Promise<Statement> => {
    if (!statement.confidential) return statement;
    const values: Value[] = [...statement.values];
    await Promise.all(
      statement.confidential.map(async ({ at, tenant }) => {
        values[at] = await seal(tenant, String(values[at]));
      }),
    );
    return { ...statement, values };
  };

  const shared = withBatch(database, async (batch) => {
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
          tell(tenant, error);
          return text;
        }
      });
    });
  });

  return {
    shared,
    of(shared, partition) {
      const tenant = tenantOf(partition);
      return withBatch(shared, async (batch) => {
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
          tell(partition, error);
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

async function sealBatch<B extends Batch>(batch: B, seal: (statement: Statement) => Promise<Statement>): Promise<B> {
  const entries = Object.entries(batch).map(async ([name, entry]) => {
    return [name, 'kind' in entry ? await seal(entry) : await Promise.all(entry.map(seal))] as const;
  });
  return Object.fromEntries(await Promise.all(entries)) as B; // the same names, with as many statements
}

/** The same rows where none has an encrypted text, which is found out without a Promise. */
async function mapRows<B extends Batch>(rows: Rows<B>, open: (row: Row) => Row | Promise<Row>): Promise<Rows<B>> {
  let opened: Record<string, readonly Row[]> | undefined;
  for (const name in rows) {
    if (!rows[name].some(hasEncrypted)) continue;
    opened ??= { ...rows };
    opened[name] = await Promise.all(rows[name].map((row) => (hasEncrypted(row) ? open(row) : row)));
  }
  return (opened as Rows<B> | undefined) ?? rows; // the same names
}

function hasEncrypted(row: Row): boolean {
  for (const column in row) if (isEncrypted(row[column])) return true;
  return false;
}

async function openRow(row: Row, open: (text: string) => Promise<string>): Promise<Row> {
  const opened: Record<string, Value> = { ...row };
  for (const [column, value] of Object.entries(row)) if (isEncrypted(value)) opened[column] = await open(value);
  return opened;
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
