try { const chosen = localStorage.getItem("theme"); if (chosen) document.documentElement.dataset.theme = chosen; } catch { /* no storage: the system decides */ }
