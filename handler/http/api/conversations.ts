import type { Context } from 'hono';
import { AddItems, CreateConversation, UpdateConversation } from '../../protocol/conversation.ts';
import type { RequestContext } from '../../service/context.ts';
import { takeConversationItems } from '../../service/given-items.ts';
import type { Services } from '../../service/services.ts';
import { addItems, deleteItem, getItem, listItems } from '../../state/conversation-items.ts';
import {
  createConversation,
  deleteConversation,
  getConversation,
  updateConversation,
} from '../../state/conversations.ts';
import { check } from '../../validate.ts';
import { readJson } from '../body.ts';
import type { Env } from '../env.ts';
import { checkInclude, pathId, readListQuery } from '../query.ts';
import { sendJson } from '../reply.ts';

type Handler = (c: Context<Env>, services: Services, ctx: RequestContext) => Promise<Response>;

/** `POST /v1/conversations`; its body may be missing. */
export const postConversation: Handler = async (c, services, ctx) => {
  const { items, metadata } = check(CreateConversation, await readJson(c, services, {}));
  const taken = await takeConversationItems(services, ctx, items ?? []);
  return sendJson(c, await createConversation(ctx.store, metadata ?? {}, taken));
};

/** `GET /v1/conversations/{id}`. */
export const retrieveConversation: Handler = async (c, _, { store }) =>
  sendJson(c, await getConversation(store, pathId(c, 'id')));

/** `POST /v1/conversations/{id}`: new metadata. */
export const changeConversation: Handler = async (c, services, { store }) => {
  const { metadata } = check(UpdateConversation, await readJson(c, services));
  return sendJson(c, await updateConversation(store, pathId(c, 'id'), metadata ?? {}));
};

/** `DELETE /v1/conversations/{id}`. */
export const removeConversation: Handler = async (c, _, { store }) => {
  const id = pathId(c, 'id');
  await deleteConversation(store, id);
  return c.json({ id, object: 'conversation.deleted', deleted: true });
};

/** `POST /v1/conversations/{id}/items`. */
export const postItems: Handler = async (c, services, ctx) => {
  checkInclude(c);
  const { items } = check(AddItems, await readJson(c, services));
  return sendJson(c, await addItems(ctx.store, pathId(c, 'id'), await takeConversationItems(services, ctx, items)));
};

/** `GET /v1/conversations/{id}/items`. */
export const retrieveItems: Handler = async (c, _, { store }) =>
  sendJson(c, await listItems(store, pathId(c, 'id'), readListQuery(c)));

/** `GET /v1/conversations/{id}/items/{item}`. */
export const retrieveItem: Handler = async (c, _, { store }) => {
  checkInclude(c);
  return sendJson(c, await getItem(store, pathId(c, 'id'), pathId(c, 'item')));
};

/** `DELETE /v1/conversations/{id}/items/{item}`. */
export const removeItem: Handler = async (c, _, { store }) =>
  sendJson(c, await deleteItem(store, pathId(c, 'id'), pathId(c, 'item')));
