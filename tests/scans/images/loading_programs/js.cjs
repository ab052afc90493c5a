for (const n of process.argv.slice(2)) require(n);
const maps=require('fs').readFileSync('/proc/self/maps','utf8').split('\n').filter(l=>l.includes('/')&&l.split(/\s+/)[1].includes('x')).map(l=>l.slice(l.indexOf('/')));
console.log(JSON.stringify([...Object.keys(require.cache),...maps]));
