/** The promises of conversations, their items, and the turns in them. */
export const conversationManifest = {
  'conversation.create': {
    says: 'a conversation can be created from nothing, and retrieved',
    source: 'issue 4: Endpoints',
  },
  'conversation.create-with': {
    says: 'a conversation can begin with 20 items and 16 pairs of metadata',
    source: 'openai 7.57.0 types: ConversationCreateParams',
  },
  'conversation.bad-metadata': {
    says: 'metadata beyond its bounds is 422 and changes nothing',
    source: 'openai 7.57.0 types: Metadata',
  },
  'conversation.bad-body': { says: 'a body that is no JSON object is refused as everywhere', source: 'design: Errors' },
  'conversation.bad-items': {
    says: 'more than 20 items, wrong ones or the same twice are refused',
    source: 'openai 7.57.0 types: ConversationCreateParams',
  },
  'conversation.update': {
    says: 'an update replaces the metadata; null clears it',
    source: 'openai 7.57.0 types: ConversationUpdateParams',
  },
  'conversation.update-nothing': {
    says: 'an update without metadata is 422',
    source: 'openai 7.57.0 types: ConversationUpdateParams',
  },
  'conversation.delete': {
    says: 'a deleted conversation is 404 in every way',
    source: 'openai 7.57.0 types: ConversationDeletedResource',
  },
  'conversation.unknown': {
    says: 'an unknown conversation is 404 in every way, however odd its id',
    source: 'issue 4: Endpoints',
  },
  'conversation.unknown-turn': {
    says: 'a turn in an unknown conversation is 404',
    source: 'issue 4: Semantics (agent-framework#6892)',
  },
  'conversation.type': {
    says: 'a conversation that is neither an id nor an object with one is 422',
    source: 'openai 7.57.0 types: ResponseCreateParams',
  },
  'conversation-items.add': {
    says: 'added items are returned in their order, with ids',
    source: 'openai 7.57.0 types: ConversationItemList',
  },
  'conversation-items.bad': {
    says: 'no items, more than 20 or wrong ones are 422 and add nothing',
    source: 'openai 7.57.0 types: ItemCreateParams',
  },
  'conversation-items.order': {
    says: 'items are listed newest first unless asked otherwise',
    source: 'openai 7.57.0 types: ItemListParams',
  },
  'conversation-items.pages': {
    says: 'pages of any size give every item once, both ways, however the items were added',
    source: 'edge case 27 (ogx#5723)',
  },
  'conversation-items.large': {
    says: 'an item of over 600,000 characters is stored, listed, sent on and deleted',
    source: 'design: State',
  },
  'conversation-items.empty-list': {
    says: 'an empty conversation lists nothing, its ids null',
    source: 'issue 4: Endpoints',
  },
  'conversation-items.bad-query': {
    says: 'a wrong limit, order or after is 422 and names it',
    source: 'openai 7.57.0 types: ItemListParams',
  },
  'conversation-items.retrieve': { says: 'an item can be had alone', source: 'issue 4: Endpoints' },
  'conversation-items.unknown': {
    says: "an unknown item, or another conversation's, is 404",
    source: 'issue 4: Endpoints',
  },
  'conversation-items.delete': {
    says: 'a deleted item is gone from the list and from what the model sees',
    source: 'openai 7.57.0 types: Items.delete',
  },
  'conversation-items.delete-made': {
    says: 'a response keeps its item that was deleted from the conversation',
    source: 'design: State',
  },
  'conversation-items.delete-call': {
    says: 'an output whose call was deleted is refused by the next turn',
    source: 'edge case 23 (codex2api#414)',
  },
  'conversation-items.delete-last': {
    says: 'after the last item is deleted others can be added, with its id as well',
    source: 'openai 7.57.0 types: Items.delete',
  },
  'conversation-items.id-taken': {
    says: 'an item whose id the conversation has is 400, and nothing is added',
    source: 'edge case 24 (vercel/ai#15492)',
  },
  'conversation-turn.sees': {
    says: "a turn gets the conversation's items before its input",
    source: 'issue 4: Semantics',
  },
  'conversation-turn.adds': {
    says: 'a turn adds its input and output to the conversation',
    source: 'issue 4: Semantics',
  },
  'conversation-turn.streamed': { says: 'a streamed turn does both, too', source: 'issue 4: Semantics' },
  'conversation-turn.instructions': {
    says: 'instructions do not become part of the conversation',
    source: 'edge case 6 (vllm#37727)',
  },
  'conversation-turn.unstored': {
    says: 'store: false reads the conversation and adds nothing',
    source: 'edge case 5 (smg#916)',
  },
  'conversation-turn.calls': {
    says: 'a function call in a conversation is answered by the next turn',
    source: 'issue 4: Semantics',
  },
  'conversation-turn.rounds': {
    says: 'the items of all tool rounds are in the conversation, in order',
    source: 'issue 4: Semantics',
  },
  'conversation-turn.replayed': {
    says: "items of the conversation that a turn's input repeats are there once",
    source: 'edge case 24 (vercel/ai#15492)',
  },
  'conversation-branch.sees': {
    says: 'a turn that goes on from a response in a conversation sees it up to that point',
    source: 'design: State',
  },
  'conversation-branch.adds-nothing': { says: 'such a turn adds nothing to the conversation', source: 'design: State' },
  'conversation-branch.deleted': {
    says: 'a response outlives its conversation, and can be continued',
    source: 'openai 7.57.0 types: Conversations.delete',
  },
  'conversation-lock.second-turn': {
    says: 'while a turn runs on a conversation another is 400 conversation_locked, and works afterwards',
    source: 'edge case 9 (careme#379)',
  },
  'conversation-lock.items': {
    says: 'while a turn runs on a conversation adding items is 400 conversation_locked, and works afterwards',
    source: 'edge case 9 (careme#379)',
  },
  'conversation-lock.other': {
    says: "a turn locks no other conversation, nor the conversation's metadata",
    source: 'edge case 9 (careme#379)',
  },
  'conversation-lock.failed': {
    says: 'a failed turn adds nothing and unlocks the conversation',
    source: 'issue 4: Semantics',
  },
  'conversation-lock.refused': { says: 'a refused turn does not lock the conversation', source: 'issue 4: Semantics' },
  'conversation-lock.left': {
    says: 'a turn that its client has left adds nothing and unlocks the conversation',
    source: 'issue 4: Semantics',
  },
  'conversation-lock.left-at-once': {
    says: 'so does one whose client has left before any reply',
    source: 'edge case 29 (hermes-agent#15392)',
  },
  'conversation-lock.unread': {
    says: 'a turn that nobody reads ends at its limit, and gives its conversation back',
    source: 'issue 4: Endpoints',
  },
  'conversation-lock.branch': {
    says: 'while a turn runs on a conversation its earlier responses can be continued',
    source: 'design: State',
  },
  'conversation-lock.deleted': {
    says: 'a turn whose conversation is deleted under it ends well',
    source: 'issue 4: Semantics',
  },
  'conversation-lock.simultaneous': {
    says: 'turns that begin at once are refused or come one after the other, never mixed',
    source: 'edge case 9 (careme#379)',
  },
} as const satisfies Record<string, { says: string; source: string }>;
