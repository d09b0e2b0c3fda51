import type { Context } from 'hono';
import { AddItems, CreateConversation, UpdateConversation } from '../../protocol/conversation.ts';
import type { Env, Services } from '../../service/env.ts';
import { takeConversationItems } from '../../service/given-items.ts';
import { addItems, deleteItem, getItem, listItems } from '../../state/conversation-items.ts';
import {
  createConversation,
  deleteConversation,
  getConversation,
  updateConversation,
} from '../../state/conversations.ts';
import { check } from '../../validate.ts';
import { readJson } from '../body.ts';
import { checkInclude, pathId, readListQuery } from '../query.ts';
import { sendJson } from '../reply.ts';

type Handler = (c: Context<Env>, services: Services) => Promise<Response>;

/** `POST /v1/conversations`; its body may be missing. */
export const postConversation: Handler = async (c, services) => {
  const { limits, codecs, scope } = services;
  const { items, metadata } = check(CreateConversation, await readJson(c.req.raw, limits, codecs, scope.memory, {}));
  return sendJson(
    c,
    await createConversation(scope, metadata ?? {}, await takeConversationItems(services, items ?? [])),
  );
};

/** `GET /v1/conversations/{id}`. */
export const retrieveConversation: Handler = async (c, { scope }) =>
  sendJson(c, await getConversation(scope, pathId(c, 'id')));

/** `POST /v1/conversations/{id}`: new metadata. */
export const changeConversation: Handler = async (c, { limits, codecs, scope }) => {
  const { metadata } = check(UpdateConversation, await readJson(c.req.raw, limits, codecs, scope.memory));
  return sendJson(c, await updateConversation(scope, pathId(c, 'id'), metadata ?? {}));
};

/** `DELETE /v1/conversations/{id}`. */
export const removeConversation: Handler = async (c, { scope }) => {
  const id = pathId(c, 'id');
  await deleteConversation(scope, id);
  return c.json({ id, object: 'conversation.deleted', deleted: true });
};

/** `POST /v1/conversations/{id}/items`. */
export const postItems: Handler = async (c, services) => {
  const { limits, codecs, scope } = services;
  checkInclude(c);
  const { items } = check(AddItems, await readJson(c.req.raw, limits, codecs, scope.memory));
  return sendJson(c, await addItems(scope, pathId(c, 'id'), await takeConversationItems(services, items)));
};

/** `GET /v1/conversations/{id}/items`. */
export const retrieveItems: Handler = async (c, { scope }) =>
  sendJson(c, await listItems(scope, pathId(c, 'id'), readListQuery(c)));

/** `GET /v1/conversations/{id}/items/{item}`. */
export const retrieveItem: Handler = async (c, { scope }) => {
  checkInclude(c);
  return sendJson(c, await getItem(scope, pathId(c, 'id'), pathId(c, 'item')));
};

/** `DELETE /v1/conversations/{id}/items/{item}`. */
export const removeItem: Handler = async (c, { scope }) =>
  sendJson(c, await deleteItem(scope, pathId(c, 'id'), pathId(c, 'item')));
