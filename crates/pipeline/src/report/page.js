for (const button of document.querySelectorAll("button[data-copy]")) {
  button.addEventListener("click", async () => {
    const listing = document.getElementById(button.dataset.copy);
    let copied = true;
    try {
      await navigator.clipboard.writeText(listing.textContent);
    } catch {
      // Without the clipboard's permission: open the listing and select it.
      listing.parentElement.open = true;
      getSelection().selectAllChildren(listing);
      copied = document.execCommand("copy");
    }
    const label = button.textContent;
    button.textContent = copied ? "Copied" : "Selected: press Ctrl+C";
    setTimeout(() => { button.textContent = label; }, 1500);
  });
}
