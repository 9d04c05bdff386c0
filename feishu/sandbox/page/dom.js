// Making elements. Text goes in as text; nothing here parses HTML.
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else if (name === 'text') node.textContent = value;
    else node.setAttribute(name, value === true ? '' : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

export const $ = (id) => document.getElementById(id);

const COLOURS = ['blue', 'violet', 'orange', 'green', 'turquoise', 'carmine'];

export function avatar(id, name, isBot) {
  const number = [...id].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)) % 997, 7);
  const letters = [...name];
  const shown = isBot ? '🤖' : id.startsWith('oc_') ? letters[0] : /[\u4e00-\u9fff]/.test(name) ? letters.slice(-2).join('') : letters.slice(0, 2).join('');
  return el('span', { class: `avatar ${isBot ? 'a-bot' : 'a-' + COLOURS[number % COLOURS.length]}`, 'aria-hidden': 'true', text: shown });
}

export function clockTime(seconds) {
  return new Date(seconds * 1000).toLocaleTimeString('zh-CN', { hour: '2-digit', minute: '2-digit', hour12: false });
}

export async function post(path, body, method = 'POST') {
  const response = await fetch(path, { method, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error || response.statusText);
  return answer;
}
