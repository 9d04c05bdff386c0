// A document of the sandbox: in the chat page's theme, at the record or the page of a PDF that its link names.
document.documentElement.dataset.theme = localStorage.getItem('theme') || (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light');
document.querySelector('.address').append(location.hash);
document.querySelector('.cited')?.scrollIntoView({ block: 'center' });
const pdf = document.querySelector('iframe.pdf');
if (pdf) pdf.src = pdf.dataset.src + (location.hash.startsWith('#page=') ? location.hash : '');
