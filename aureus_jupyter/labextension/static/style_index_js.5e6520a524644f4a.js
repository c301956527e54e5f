"use strict";(self.rspackChunk_aureus_lab=self.rspackChunk_aureus_lab||[]).push([["style_index_js"],{"./node_modules/css-loader/dist/cjs.js!./style/base.css"(e,t,r){var n=r("./node_modules/css-loader/dist/runtime/noSourceMaps.js"),o=r.n(n),s=r("./node_modules/css-loader/dist/runtime/api.js"),u=(r.n(s))()(o());u.push([e.id,`.jp-AureusRun {
  border-left: 4px solid var(--aureus-run-line, var(--aureus-run-color));
  padding: 4px 12px;
  color: var(--jp-content-font-color1);
  font-family: var(--jp-content-font-family);
  font-size: var(--jp-content-font-size1);
  line-height: var(--jp-content-line-height);
}

/* White on each of these is at least 7:1 (WCAG 2.2, AAA); the word beside the icon says the same without colour. */
.jp-AureusRun-allowed {
  --aureus-run-color: #1b5e20;
}

.jp-AureusRun-masked,
.jp-AureusRun-plan {
  --aureus-run-color: #0d47a1;
}

.jp-AureusRun-refused,
.jp-AureusRun-failed {
  --aureus-run-color: #8e1b1b;
}

.jp-AureusRun-waiting {
  --aureus-run-color: #7a4100;
}

/* The badge's own colours are too dark for a line on a dark page: these are at least 3:1 there (WCAG 2.2, 1.4.11). */
[data-jp-theme-light='false'] .jp-AureusRun-allowed {
  --aureus-run-line: #66bb6a;
}

[data-jp-theme-light='false'] .jp-AureusRun-masked,
[data-jp-theme-light='false'] .jp-AureusRun-plan {
  --aureus-run-line: #64b5f6;
}

[data-jp-theme-light='false'] .jp-AureusRun-refused,
[data-jp-theme-light='false'] .jp-AureusRun-failed {
  --aureus-run-line: #ef7b7b;
}

[data-jp-theme-light='false'] .jp-AureusRun-waiting {
  --aureus-run-line: #ffb04d;
}

.jp-AureusRun p {
  margin: 0 0 6px;
}

.jp-AureusRun-badge {
  display: inline-block;
  margin-right: 4px;
  padding: 2px 10px;
  border-radius: 4px;
  background: var(--aureus-run-color);
  color: #fff;
  font-weight: 600;
}

.jp-AureusRun p.jp-AureusRun-label {
  margin-bottom: 0;
}

.jp-AureusRun-list {
  margin: 2px 0 6px;
  padding-left: 24px;
}

.jp-AureusRun-scroll {
  max-width: 100%;
  max-height: 420px;
  margin: 0 0 6px;
  overflow: auto;
}

.jp-AureusRun-scroll:focus-visible {
  outline: 2px solid var(--jp-brand-color1);
}

.jp-AureusRun-table {
  border-collapse: separate;
  border-spacing: 0;
  font-size: var(--jp-ui-font-size1);
}

.jp-AureusRun-table caption {
  caption-side: bottom;
  padding: 4px 10px;
  color: var(--jp-content-font-color1);
  text-align: left;
  white-space: nowrap;
}

.jp-AureusRun-table th {
  position: sticky;
  top: 0;
  background: var(--jp-layout-color1);
  font-weight: 600;
}

.jp-AureusRun-table th,
.jp-AureusRun-table td {
  padding: 3px 10px;
  border-bottom: 1px solid var(--jp-border-color1);
  text-align: left;
  white-space: nowrap;
}

.jp-AureusRun-table .jp-AureusRun-number {
  text-align: right;
  font-variant-numeric: tabular-nums;
}

.jp-AureusRun-table tbody tr:hover {
  background: var(--jp-rendermime-table-row-hover-background);
}

.jp-AureusRun-button {
  min-height: 24px;
  padding: 2px 10px;
  border: 1px solid var(--jp-border-color1);
  border-radius: 3px;
  background: var(--jp-layout-color1);
  color: var(--jp-ui-font-color1);
  font-family: var(--jp-ui-font-family);
  font-size: var(--jp-ui-font-size1);
  cursor: pointer;
}

.jp-AureusRun-button:hover {
  background: var(--jp-layout-color2);
}

.jp-AureusRun-button:focus-visible,
.jp-AureusRun a:focus-visible,
.jp-AureusRun summary:focus-visible {
  outline: 2px solid var(--jp-brand-color1);
  outline-offset: 1px;
}

.jp-AureusRun-sql,
.jp-AureusRun-plain {
  margin: 0;
  padding: 8px;
  border: 1px solid var(--jp-border-color1);
  color: var(--jp-content-font-color1);
  font-family: var(--jp-code-font-family);
  font-size: var(--jp-code-font-size);
  white-space: pre;
}

.jp-AureusRun-details {
  margin: 0 0 6px;
}

.jp-AureusRun-details summary {
  cursor: pointer;
}

.jp-AureusRun a {
  color: var(--jp-content-link-color);
}

.jp-AureusRun-path,
.jp-AureusRun-digest {
  font-family: var(--jp-code-font-family);
  font-size: var(--jp-code-font-size);
  overflow-wrap: anywhere;
}
`,""]),r.d(t,{},{A:u})},"./node_modules/css-loader/dist/runtime/api.js"(e){e.exports=function(e){var t=[];return t.toString=function(){return this.map(function(t){var r="",n=void 0!==t[5];return t[4]&&(r+="@supports (".concat(t[4],") {")),t[2]&&(r+="@media ".concat(t[2]," {")),n&&(r+="@layer".concat(t[5].length>0?" ".concat(t[5]):""," {")),r+=e(t),n&&(r+="}"),t[2]&&(r+="}"),t[4]&&(r+="}"),r}).join("")},t.i=function(e,r,n,o,s){"string"==typeof e&&(e=[[null,e,void 0]]);var u={};if(n)for(var a=0;a<this.length;a++){var i=this[a][0];null!=i&&(u[i]=!0)}for(var l=0;l<e.length;l++){var d=[].concat(e[l]);n&&u[d[0]]||(void 0!==s&&(void 0===d[5]||(d[1]="@layer".concat(d[5].length>0?" ".concat(d[5]):""," {").concat(d[1],"}")),d[5]=s),r&&(d[2]&&(d[1]="@media ".concat(d[2]," {").concat(d[1],"}")),d[2]=r),o&&(d[4]?(d[1]="@supports (".concat(d[4],") {").concat(d[1],"}"),d[4]=o):d[4]="".concat(o)),t.push(d))}},t}},"./node_modules/css-loader/dist/runtime/noSourceMaps.js"(e){e.exports=function(e){return e[1]}},"./node_modules/style-loader/dist/runtime/injectStylesIntoStyleTag.js"(e){var t=[];function r(e){for(var r=-1,n=0;n<t.length;n++)if(t[n].identifier===e){r=n;break}return r}function n(e,n){for(var o={},s=[],u=0;u<e.length;u++){var a=e[u],i=n.base?a[0]+n.base:a[0],l=o[i]||0,d="".concat(i," ").concat(l);o[i]=l+1;var p=r(d),c={css:a[1],media:a[2],sourceMap:a[3],supports:a[4],layer:a[5]};if(-1!==p)t[p].references++,t[p].updater(c);else{var f=function(e,t){var r=t.domAPI(t);return r.update(e),function(t){t?(t.css!==e.css||t.media!==e.media||t.sourceMap!==e.sourceMap||t.supports!==e.supports||t.layer!==e.layer)&&r.update(e=t):r.remove()}}(c,n);n.byIndex=u,t.splice(u,0,{identifier:d,updater:f,references:1})}s.push(d)}return s}e.exports=function(e,o){var s=n(e=e||[],o=o||{});return function(e){e=e||[];for(var u=0;u<s.length;u++){var a=r(s[u]);t[a].references--}for(var i=n(e,o),l=0;l<s.length;l++){var d=r(s[l]);0===t[d].references&&(t[d].updater(),t.splice(d,1))}s=i}}},"./node_modules/style-loader/dist/runtime/insertBySelector.js"(e){var t={};e.exports=function(e,r){var n=function(e){if(void 0===t[e]){var r=document.querySelector(e);if(window.HTMLIFrameElement&&r instanceof window.HTMLIFrameElement)try{r=r.contentDocument.head}catch(e){r=null}t[e]=r}return t[e]}(e);if(!n)throw Error("Couldn't find a style target. This probably means that the value for the 'insert' parameter is invalid.");n.appendChild(r)}},"./node_modules/style-loader/dist/runtime/insertStyleElement.js"(e){e.exports=function(e){var t=document.createElement("style");return e.setAttributes(t,e.attributes),e.insert(t,e.options),t}},"./node_modules/style-loader/dist/runtime/setAttributesWithoutAttributes.js"(e,t,r){e.exports=function(e){var t=r.nc;t&&e.setAttribute("nonce",t)}},"./node_modules/style-loader/dist/runtime/styleDomAPI.js"(e){e.exports=function(e){if("u"<typeof document)return{update:function(){},remove:function(){}};var t=e.insertStyleElement(e);return{update:function(r){var n,o,s;n="",r.supports&&(n+="@supports (".concat(r.supports,") {")),r.media&&(n+="@media ".concat(r.media," {")),(o=void 0!==r.layer)&&(n+="@layer".concat(r.layer.length>0?" ".concat(r.layer):""," {")),n+=r.css,o&&(n+="}"),r.media&&(n+="}"),r.supports&&(n+="}"),(s=r.sourceMap)&&"u">typeof btoa&&(n+="\n/*# sourceMappingURL=data:application/json;base64,".concat(btoa(unescape(encodeURIComponent(JSON.stringify(s))))," */")),e.styleTagTransform(n,t,e.options)},remove:function(){var e;null===(e=t).parentNode||e.parentNode.removeChild(e)}}}},"./node_modules/style-loader/dist/runtime/styleTagTransform.js"(e){e.exports=function(e,t){if(t.styleSheet)t.styleSheet.cssText=e;else{for(;t.firstChild;)t.removeChild(t.firstChild);t.appendChild(document.createTextNode(e))}}},"./style/index.js"(e,t,r){var n=r("./node_modules/style-loader/dist/runtime/injectStylesIntoStyleTag.js"),o=r.n(n),s=r("./node_modules/style-loader/dist/runtime/styleDomAPI.js"),u=r.n(s),a=r("./node_modules/style-loader/dist/runtime/insertBySelector.js"),i=r.n(a),l=r("./node_modules/style-loader/dist/runtime/setAttributesWithoutAttributes.js"),d=r.n(l),p=r("./node_modules/style-loader/dist/runtime/insertStyleElement.js"),c=r.n(p),f=r("./node_modules/style-loader/dist/runtime/styleTagTransform.js"),m=r.n(f),j=r("./node_modules/css-loader/dist/cjs.js!./style/base.css"),h={};h.styleTagTransform=m(),h.setAttributes=d(),h.insert=i().bind(null,"head"),h.domAPI=u(),h.insertStyleElement=c(),o()(j.A,h),j.A&&j.A.locals&&j.A.locals}}]);