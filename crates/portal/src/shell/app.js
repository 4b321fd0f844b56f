// What the pages gain from script; every page works without it.
// Search by key, copy buttons, and the live refresh of a region. Nothing is stored, no other host is asked.
'use strict';

(() => {
  // "/" goes to the search field, unless somebody is typing.
  document.addEventListener('keydown', (event) => {
    if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = event.target instanceof Element && event.target.closest('input, select, textarea, [contenteditable]');
    const search = document.getElementById('search');
    if (typing || !search) return;
    event.preventDefault();
    search.focus();
    search.select();
  });

  // A copy button copies the text of the element it names, and says so.
  const enableCopying = (root) => {
    if (!navigator.clipboard) return;
    for (const button of root.querySelectorAll('button[data-copy]')) {
      button.hidden = false;
    }
  };
  document.addEventListener('click', async (event) => {
    const button = event.target instanceof Element && event.target.closest('button[data-copy]');
    const source = button && document.getElementById(button.dataset.copy);
    if (!source) return;
    const before = button.textContent;
    try {
      await navigator.clipboard.writeText(source.textContent.trim());
      button.textContent = 'Copied';
    } catch {
      button.textContent = 'Copy failed';
    }
    setTimeout(() => { button.textContent = before; }, 1500);
  });

  // A region with data-refresh="30" is fetched anew every 30 seconds from the page's own address.
  const busy = (region) => region.contains(document.activeElement) || document.hidden;
  const refresh = async (id) => {
    const region = document.getElementById(id);
    if (!region || busy(region)) return;
    const answer = await fetch(location.href, { headers: { Accept: 'text/html' }, credentials: 'same-origin' });
    if (!answer.ok || answer.redirected) return;
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
    const fresh = page.getElementById(id);
    if (!fresh || busy(region) || fresh.outerHTML === region.outerHTML) return;
    region.replaceWith(fresh);
    enableCopying(fresh);
  };
  for (const region of document.querySelectorAll('[data-refresh][id]')) {
    const seconds = Number.parseInt(region.dataset.refresh, 10);
    if (!(seconds >= 2)) continue;
    const { id } = region;
    setInterval(() => { refresh(id).catch(() => {}); }, seconds * 1000);
  }

  enableCopying(document);
})();
