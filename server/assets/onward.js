// Goes on as soon as the applications' pages have loaded, and after three seconds in any case. Written for old browsers
// too; without it the page goes on by itself a little later, or by its link.
(function () {
  var link = document.querySelector("[data-onward]");
  var gone = false;
  function go() {
    if (link && !gone) {
      gone = true;
      window.location.replace(link.href);
    }
  }
  window.addEventListener("load", go);
  window.setTimeout(go, 3000);
})();
