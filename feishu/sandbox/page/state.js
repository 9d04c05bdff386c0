// What the page knows: a copy of GET /sandbox/state kept fresh by server-sent events.
export const state = { people: [], bots: [], chats: [], messages: new Map(), examples: {}, me: '', chatId: '', unread: new Map(), replyTo: null, inThread: false, editing: null, rich: false, picking: null };

export async function load() {
  const fresh = await (await fetch('/sandbox/state')).json();
  Object.assign(state, { people: fresh.people, bots: fresh.bots, chats: fresh.chats, examples: fresh.examples });
  state.messages = new Map(fresh.messages.map((message) => [message.message_id, message]));
  if (!state.people.some((person) => person.open_id === state.me)) state.me = state.people[0].open_id;
  if (!myChats().some((chat) => chat.chat_id === state.chatId)) state.chatId = myChats()[0]?.chat_id || '';
}

export const myChats = () => state.chats.filter((chat) => chat.people.includes(state.me) && !chat.dissolved);
export const chat = () => state.chats.find((each) => each.chat_id === state.chatId);
export const visible = (message) => !message.visible_to || message.visible_to === state.me;
export const inChat = (chatId) => [...state.messages.values()].filter((message) => message.chat_id === chatId && visible(message));
export const botsOf = (each) => state.bots.filter((bot) => each.bots.includes(bot.open_id));

export function nameOf(id) {
  const found = state.people.find((person) => person.open_id === id) || state.bots.find((bot) => bot.open_id === id || bot.app_id === id);
  return found ? found.name : id;
}
