"""Style of the report: system fonts, one column on a phone, black on white on paper."""

STYLE = """
:root{color-scheme:light}
body{margin:0;background:#fff;color:#1b1f24;
font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,Helvetica,Arial,sans-serif}
main{max-width:1000px;margin:0 auto;padding:16px}
h1{font-size:1.6rem;line-height:1.25;margin:.4em 0 .6em}
h2{font-size:1.25rem;margin:1.8em 0 .5em;padding-top:.6em;border-top:1px solid #d6dbe1}
h3{font-size:1.02rem;margin:1.2em 0 .3em}
.verdict{font-size:1.1rem;border-left:4px solid #1463c8;padding-left:.7em}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:10px}
.card{border:1px solid #d6dbe1;border-radius:8px;padding:10px 12px;font-size:.86rem;color:#4b5661}
.card b{display:block;font-size:1.6rem;line-height:1.3;color:#10151a;white-space:nowrap}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.88rem;font-variant-numeric:tabular-nums}
th,td{padding:5px 9px;text-align:right;border-bottom:1px solid #e4e8ec}
th{font-weight:600;color:#4b5661;vertical-align:bottom}
th:first-child,td:first-child{text-align:left}
td:first-child{min-width:5.5em}
.wide td{overflow-wrap:anywhere}.wide td:last-child{text-align:left}
.steps th:last-child,.steps td:last-child{text-align:left;width:70%}
figure{margin:.6em 0}
figcaption{font-size:.84rem;color:#4b5661}
svg,img{width:100%;height:auto;display:block}
svg text{font-size:12px;fill:#3b444d}
svg .grid{stroke:#e4e8ec;fill:none}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,400px),1fr));gap:0 20px}
.charts figure{min-width:0}
.charts .scroll{margin-top:2em}
@media (max-width:600px){svg text{font-size:19px}.charts svg text{font-size:15px}
main{padding:10px}th,td{padding:4px 6px}}
.summary li{margin:.25em 0}
.filter{display:flex;flex-wrap:wrap;gap:.4em 1em;align-items:center;margin:.6em 0}
.filter[hidden],.frame[hidden]{display:none}
.filter select{font:inherit;padding:.2em .4em}
.frame img{cursor:zoom-in}.frame.large{grid-column:1/-1}.frame.large img{cursor:zoom-out}
.pictures{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,420px),1fr));gap:12px}
.key span{border-bottom:3px solid;margin-left:.6em}
.hit{border-color:#3cdc50!important}.missed{border-color:#ffa500!important}
.false{border-color:#ff3c3c!important}.ignored{border-color:#aaa!important}
@media print{.filter{display:none}.pictures{grid-template-columns:1fr 1fr}
.charts{grid-template-columns:1fr 1fr}.charts .scroll{margin-top:0}
main{max-width:none;padding:0}h2,h3{break-after:avoid}
figure,table,.card{break-inside:avoid}.scroll{overflow:visible}table{font-size:8.5pt}
th,td{padding:2px 4px}}
"""
