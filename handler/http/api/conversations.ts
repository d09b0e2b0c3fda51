import { AddItems, CreateConversation, UpdateConversation } from '../../protocol/conversation.ts';
import { ConversationListQuery, ItemQuery, ListQuery } from '../../protocol/list.ts';
import { takeConversationItems } from '../../service/client-items.ts';
import { findConversations } from '../../service/lists.ts';
import { addItems, deleteItem, getItem, listItems } from '../../state/conversation-items.ts';
import {
  createConversation,
  deleteConversation,
  getConversation,
  updateConversation,
} from '../../state/conversations.ts';
import { sendJson } from '../reply.ts';
import { json, type Route, route } from '../route.ts';

const ONE = '/v1/conversations/{id}';
const ITEMS = `${ONE}/items` as const;
const ITEM = `${ITEMS}/{item}` as const;

/** Conversations and their items. */
export const conversations: Route[] = [
  route({
    method: 'GET',
    path: '/v1/conversations',
    operationId: 'listConversations',
    summary: 'List conversations',
    request: { query: ConversationListQuery },
    reply: json('ConversationList'),
    handle: async ({ c, services, ctx, query }) => sendJson(c, await findConversations(services, ctx, query)),
  }),
  route({
    method: 'POST',
    path: '/v1/conversations',
    operationId: 'createConversation',
    summary: 'Create a conversation',
    request: { body: CreateConversation, optional: true },
    reply: json('Conversation'),
    async handle({ c, services, ctx, body: { items, metadata } }) {
      const newItems = await takeConversationItems(services, ctx, items ?? []);
      return sendJson(c, await createConversation(ctx.store, metadata ?? {}, newItems));
    },
  }),
  route({
    method: 'GET',
    path: ONE,
    operationId: 'getConversation',
    summary: 'Get a conversation',
    reply: json('Conversation'),
    handle: async ({ c, ctx, params }) => sendJson(c, await getConversation(ctx.store, params.id)),
  }),
  route({
    method: 'POST',
    path: ONE,
    operationId: 'updateConversation',
    summary: 'Update a conversation',
    request: { body: UpdateConversation },
    reply: json('Conversation'),
    handle: async ({ c, ctx, params, body }) =>
      sendJson(c, await updateConversation(ctx.store, params.id, body.metadata ?? {})),
  }),
  route({
    method: 'DELETE',
    path: ONE,
    operationId: 'deleteConversation',
    summary: 'Delete a conversation',
    reply: json('Deleted'),
    async handle({ c, ctx, params: { id } }) {
      await deleteConversation(ctx.store, id);
      return c.json({ id, object: 'conversation.deleted', deleted: true });
    },
  }),
  route({
    method: 'GET',
    path: ITEMS,
    operationId: 'listItems',
    summary: 'List items',
    request: { query: ListQuery },
    reply: json('ItemList'),
    handle: async ({ c, ctx, params, query }) => sendJson(c, await listItems(ctx.store, params.id, query)),
  }),
  route({
    method: 'POST',
    path: ITEMS,
    operationId: 'addItems',
    summary: 'Add items',
    request: { query: ItemQuery, body: AddItems },
    reply: json('ItemList'),
    async handle({ c, services, ctx, params, body }) {
      const newItems = await takeConversationItems(services, ctx, body.items);
      return sendJson(c, await addItems(ctx.store, params.id, newItems));
    },
  }),
  route({
    method: 'GET',
    path: ITEM,
    operationId: 'getItem',
    summary: 'Get an item',
    request: { query: ItemQuery },
    reply: json('Item'),
    handle: async ({ c, ctx, params }) => sendJson(c, await getItem(ctx.store, params.id, params.item)),
  }),
  route({
    method: 'DELETE',
    path: ITEM,
    operationId: 'deleteItem',
    summary: 'Delete an item',
    reply: json('Conversation'),
    handle: async ({ c, ctx, params }) => sendJson(c, await deleteItem(ctx.store, params.id, params.item)),
  }),
];
